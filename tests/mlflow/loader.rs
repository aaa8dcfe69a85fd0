//! The loader in Python beside the model: the same answers on texts of every kind.

use crate::server::script;
use feature_store::offline::{ReadOptions, ReviewFiles};
use model::{Cleaning, Corpus, Document, FitConfig, Model, ModelConfig, Scratch, VectorizerConfig};
use schemas::Label;
use serde_json::{Value, json};

/// Texts in which something may be read otherwise.
const TRICKY: &[&str] = &[
    "",
    " \t\r\n\u{0} ...",
    "It's GREAT, isn't it?  10/10... 'quoted' rock 'n' roll' don’t ‘quote’ O'Neil's l'été",
    "mp3 3.5 1,000.50 2. x 1.2.3 1,,2 3.x 10. a.5 5,6e7 1٣",
    "good<br /><br />bad a < b <3 you <a href='x>y'>z <unclosed <b>bold</b> <!-- no --> <1> <",
    "it&#39;s R&amp;B caf&#233; a&nbsp;b &lt;b&gt; &unknown; &#xD800; &#x1F600; &#99999999; &#+65; &; & &amp",
    "See https://example.com/a?b=c, or (http://x.y), www.a.com! ftp://f HTTPS://UP.CASE/x www. http:// httpx://n",
    "mail jane.doe+x@mail.example.org, a@b a@b.co. @b.co x@y.z a@b.c1- first.last@no second@is.there a..b@c.dd",
    "Wow! really?!!!! it's... -- ___ $$$ 5★ (ok) [x] {y} #tag @me 100% a/b a_b",
    "ดีมาก อร่อยครับ ไม่ชอบ ๑๒๓ 很好 good アプリ ァ 한국어 ພາສາລາວ ភាសាខ្មែរ မြန်မာ 〇々",
    "مُمْتَازٌ رائـــع ممتاز שָׁלוֹם עברית ١٢٣ हिन्दी किताब தமிழ் বাংলা",
    "go\u{200B}od\u{FEFF} \u{200D}x\u{AD}y a\u{301}\u{301} cafe\u{301} ÉTÉ İstanbul STRASSE ẞ Σίσυφος ǅ ŉ",
    "good😀😀bad 👍🏽 👍 ❤\u{FE0F} 👨‍👩‍👧 🇩🇪 ☺ ✓ → ™ © ① Ⓐ ½ ² Ⅷ ⅷ 🄰",
    "\u{301}x \u{1E61}\u{323} \u{FFFD}\u{FFFD}bad\u{FFFD} \u{E000} \u{FB01}ne ﷽ \u{2028}next\u{85}line\u{A0}here",
    "not good, never bad! don't like. no, thanks; isn't it? cannot can't won’t hardly",
    "The relational hopes were not happily motoring, caresses ponies agreed controlling sky happy rational generalizations",
];

fn documents() -> Vec<(Option<String>, String)> {
    let long = format!("{} {}@b.co {}", "x".repeat(300), "y".repeat(65), "ж".repeat(100));
    let many = "so ".repeat(40) + &"very good ".repeat(17);
    let mut documents: Vec<(Option<String>, String)> =
        TRICKY.iter().map(|text| (None, (*text).to_owned())).chain([(None, long), (None, many)]).collect();
    documents.extend(TRICKY.windows(2).map(|pair| (Some(pair[0].to_owned()), pair[1].to_owned())));
    documents.extend(real_reviews().into_iter().map(|text| (None, text)));
    documents
}

/// Real ones where there are any.
fn real_reviews() -> Vec<String> {
    let Some(folder) = std::env::var_os("PLAUDIT_TEST_DATA") else { return Vec::new() };
    let first_of = |file: &str| {
        let path = std::path::Path::new(&folder).join(file);
        let mut files = ReviewFiles::open(&[path], &ReadOptions::default()).unwrap();
        files.next_batch().unwrap().unwrap().into_iter().filter_map(|row| row.text).take(250)
    };
    ["imdb.parquet", "flipkart.parquet", "th_wisesight.parquet", "ar_reviews.parquet", "fr_nl_reviews.parquet"]
        .into_iter()
        .flat_map(first_of)
        .collect()
}

/// Learned from the tricky texts themselves, so that the model knows their terms, with labels that no text explains.
fn model(config: ModelConfig, documents: &[(Option<String>, String)]) -> Model {
    let mut corpus = Corpus::new(config, 1 << 30).unwrap();
    let features = |place: usize| [f64::from(place as u32 % 7), if place.is_multiple_of(5) { f64::NAN } else { 40.0 }];
    let features: Vec<[f64; 2]> = (0..2 * documents.len()).map(features).collect();
    let examples: Vec<(Document<'_>, Label)> = (0..2 * documents.len())
        .map(|place| {
            let (title, text) = &documents[place % documents.len()];
            let label = if place % 3 == 0 { Label::Positive } else { Label::Negative };
            (Document { title: title.as_deref(), text, features: &features[place] }, label)
        })
        .collect();
    corpus.push_batch(&examples).unwrap();
    corpus.fit(&FitConfig::default(), &mut |_| {}).unwrap().0
}

fn configurations() -> Vec<ModelConfig> {
    let of = |cleaning: Value, vectorizer: Value, features: Value| {
        let mut config = serde_json::to_value(ModelConfig::default()).unwrap();
        let default = (Cleaning::default(), VectorizerConfig::default());
        let (mut cleaned, mut vectorized) =
            (serde_json::to_value(default.0).unwrap(), serde_json::to_value(default.1).unwrap());
        let lay = |over: &mut Value, with: Value| {
            with.as_object().unwrap().iter().for_each(|(key, value)| over[key] = value.clone());
        };
        lay(&mut cleaned, cleaning);
        lay(&mut vectorized, vectorizer);
        config["cleaning"] = cleaned;
        config["vectorizer"] = vectorized;
        config["features"] = features;
        serde_json::from_value(config).unwrap()
    };
    let none = || json!([]);
    vec![
        of(json!({}), json!({"min_df": 1}), none()),
        of(
            json!({"punctuation": "keep", "numbers": "replace", "stop_words": "english", "stemming": "porter"}),
            json!({"ngrams": 4, "min_df": 1, "weighting": "tf", "sublinear_tf": false, "hash_bits": 16}),
            json!(["a.count", {"name": "a.mean", "transform": "log1p"}]),
        ),
        of(
            json!({"lowercase": false, "html": "keep", "urls": "keep", "emails": "keep", "numbers": "drop"}),
            json!({"ngrams": 1, "min_df": 1, "weighting": "binary", "hash_bits": 10}),
            none(),
        ),
        of(
            json!({"urls": "drop", "emails": "drop", "mark_negated": true, "punctuation": "keep"}),
            json!({"ngrams": 3, "min_df": 1, "hash_bits": 20, "terms": "hashed", "skip_bigrams": true, "title_weight": 2.0}),
            none(),
        ),
        of(
            json!({"mark_negated": true}),
            json!({
                "ngrams": 4, "min_df": 1, "terms": "exact", "naive_bayes": true, "char_ngrams_min": 2, "char_ngrams_max": 4,
                "first_words": 3, "last_words": 5,
            }),
            none(),
        ),
        of(
            json!({"mark_negated": true, "punctuation": "keep"}),
            json!({"min_df": 1, "terms": "exact", "skip_bigrams": true, "char_ngrams_max": 5, "first_words": 5, "last_words": 7, "title_weight": 2.0}),
            none(),
        ),
        of(json!({"mark_negated": true}), json!({"min_df": 1, "terms": "hashed", "last_words": 3}), none()),
    ]
}

#[test]
fn the_loader_in_python_answers_as_the_model_does() {
    let documents = documents();
    let folder = tempfile::tempdir().unwrap();
    let mut asked = Vec::new();
    let mut expected = Vec::new();
    for (number, config) in configurations().into_iter().enumerate() {
        let model = model(config, &documents);
        let rates = model::KeepRates { negative: 1.0, positive: if number == 0 { 0.25 } else { 1.0 } };
        let model = model.with_keep_rates(rates).unwrap();
        let path = folder.path().join(format!("{number}.safetensors"));
        std::fs::write(&path, model.to_bytes()).unwrap();
        let mut scratch = Scratch::new();
        for (title, text) in &documents {
            let features = [3.0, 40.0];
            let document = Document { title: title.as_deref(), text, features: &features };
            expected.push((number, text, model.probability(&document, &mut scratch)));
        }
        let rows: Vec<Value> = documents.iter().map(|(title, text)| json!([title, text, [3.0, 40.0]])).collect();
        asked.push(json!({"model": path, "rows": rows}));
    }
    let answers = script("loader_side.py", &[], &Value::Array(asked));
    let answers: Vec<f64> = answers.as_array().unwrap().iter().map(|answer| answer.as_f64().unwrap()).collect();
    assert_eq!(answers.len(), expected.len());
    let mut different = 0;
    for (answer, (number, text, probability)) in answers.into_iter().zip(&expected) {
        assert!((answer - probability).abs() < 1e-6, "model {number}: {text:?}: {answer}, not {probability}");
        different += usize::from((probability - 0.5).abs() > 0.01);
    }
    assert!(different > expected.len() / 2, "most answers say something: {different} of {}", expected.len());
}

#[test]
fn the_loader_refuses_what_it_does_not_know_with_a_sentence() {
    let config = configurations().remove(0);
    let bytes = model(config, &documents()[..40.min(documents().len())]).to_bytes();
    let folder = tempfile::tempdir().unwrap();
    let edited = |name: &str, from: &str, to: &str| {
        let mut bytes = bytes.clone();
        let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        json!({"model": path, "rows": []})
    };
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        json!({"model": path, "rows": []})
    };
    let mut damaged = bytes.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let version = (1..=9)
        .map(|version| format!("\\\"format_version\\\":{version}"))
        .find(|version| bytes.windows(version.len()).any(|window| window == version.as_bytes()))
        .unwrap();
    for (asked, said) in [
        (edited("newer", &version, "\\\"format_version\\\":9"), "format version 9"),
        (edited("other", "\\\"positive\\\"", "\\\"pasitive\\\""), "does not have the sha256"),
        (write("damaged", &damaged), "does not have the sha256"),
        (write("cut", &bytes[..100]), "cut off"),
        (write("foreign", b"PK\x03\x04 is another format"), "no safetensors file"),
    ] {
        let answer = script("loader_side.py", &[], &json!([asked]));
        assert!(answer["error"].as_str().is_some_and(|error| error.contains(said)), "{said}: {answer}");
    }
}

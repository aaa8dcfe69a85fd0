use super::*;

fn words_with(cleaning: &Cleaning, text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for_each_word(cleaning, text, &mut Word::new(), |word| {
        words.push(std::str::from_utf8(word.as_bytes()).unwrap().to_owned());
    });
    words
}

fn words(text: &str) -> Vec<String> {
    words_with(&Cleaning::default(), text)
}

#[test]
fn english_becomes_lower_case_words() {
    assert_eq!(words("It's GREAT, isn't it?  10/10..."), ["it's", "great", "isn't", "it", "10", "10"]);
    assert_eq!(words("'quoted' and rock 'n' roll'"), ["quoted", "and", "rock", "n", "roll"]);
    assert_eq!(words("don’t ‘quote’"), ["don't", "quote"]);
    assert_eq!(words("mp3 3.5 1,000.50 2. x"), ["mp3", "3.5", "1,000.50", "2", "x"]);
    assert!(words(" \t\r\n\0 ...").is_empty() && words("").is_empty());
}

#[test]
fn markup_separates_and_entities_are_read() {
    assert_eq!(words("good<br /><br />bad"), ["good", "bad"]);
    assert_eq!(words("a < b and <3 you"), ["a", "b", "and", "3", "you"]);
    assert_eq!(words("it&#39;s R&amp;B caf&#233; a&nbsp;b"), ["it's", "r", "b", "café", "a", "b"]);
    let kept = Cleaning { html: Markup::Keep, ..Cleaning::default() };
    assert_eq!(words_with(&kept, "good<br />bad &amp; x"), ["good", "br", "bad", "amp", "x"]);
}

#[test]
fn addresses_and_numbers_follow_their_treatment() {
    let text = "See https://example.com/a?b=c, or mail jane.doe@example.org. It cost 3,50 in 2020";
    assert_eq!(
        words(text),
        ["see", "<url>", "or", "mail", "<email>", "it", "cost", "3,50", "in", "2020"].map(str::to_owned)
    );
    let dropped =
        Cleaning { urls: Treatment::Drop, emails: Treatment::Drop, numbers: Treatment::Replace, ..Cleaning::default() };
    assert_eq!(words_with(&dropped, text), ["see", "or", "mail", "it", "cost", "<number>", "in", "<number>"]);
    let kept = Cleaning { urls: Treatment::Keep, emails: Treatment::Keep, ..Cleaning::default() };
    assert_eq!(words_with(&kept, "www.a.com b@c.de"), ["www", "a", "com", "b", "c", "de"]);
}

#[test]
fn kept_punctuation_is_a_word_for_one_and_another_for_many() {
    let kept = Cleaning { punctuation: Punctuation::Keep, ..Cleaning::default() };
    assert_eq!(words_with(&kept, "Wow! really?!!!! it's."), ["wow", "!", "really", "?", "!!", "it's", "."]);
}

#[test]
fn stop_words_and_stemming_apply_to_whole_words() {
    let cleaning = Cleaning { stop_words: StopWords::English, stemming: Stemming::Porter, ..Cleaning::default() };
    assert_eq!(
        words_with(&cleaning, "The relational hopes were not happily motoring"),
        ["relat", "hope", "not", "happili", "motor"]
    );
}

#[test]
fn case_is_kept_when_asked() {
    let cleaning = Cleaning { lowercase: false, ..Cleaning::default() };
    assert_eq!(words_with(&cleaning, "Great ÉCLAIR"), ["Great", "ÉCLAIR"]);
}

#[test]
fn scripts_without_spaces_give_a_word_per_character_with_its_marks() {
    assert_eq!(words("ดีมาก"), ["ดี", "ม", "า", "ก"]);
    assert_eq!(words("很好 good"), ["很", "好", "good"]);
    assert_eq!(words("アプリ"), ["ア", "プ", "リ"]);
}

#[test]
fn arabic_and_hebrew_read_the_same_with_and_without_points() {
    assert_eq!(words("مُمْتَازٌ"), words("ممتاز"));
    assert_eq!(words("رائـــع"), words("رائع"));
    assert_eq!(words("שָׁלוֹם"), words("שלום"));
}

#[test]
fn zero_width_characters_are_as_if_they_were_not_there() {
    assert_eq!(words("go\u{200B}od\u{FEFF} \u{200D}x\u{AD}y"), ["good", "xy"]);
}

#[test]
fn each_emoji_is_a_word_whatever_its_skin_or_style() {
    assert_eq!(words("good😀😀bad"), ["good", "😀", "😀", "bad"]);
    assert_eq!(words("👍🏽"), words("👍"));
    assert_eq!(words("❤\u{FE0F}"), words("❤"));
    assert_eq!(words("👨‍👩‍👧"), ["👨", "👩", "👧"]);
}

#[test]
fn both_ways_of_writing_an_accent_are_one_word() {
    assert_eq!(words("cafe\u{301}"), words("café"));
    assert_eq!(words("ÉTÉ"), ["été"]);
    assert_eq!(words("\u{301}x"), ["x"]);
    assert_eq!(words("हिन्दी"), ["हिन्दी"]);
}

#[test]
fn broken_characters_separate() {
    assert_eq!(words("good\u{FFFD}\u{FFFD}bad"), ["good", "bad"]);
}

#[test]
fn runs_give_the_words_that_steps_give() {
    let pieces = [
        "good",
        "I",
        "x1",
        "2020",
        "don't",
        "O'Neil's",
        "rock'n'roll",
        "3.5",
        "1,000.50",
        "10.",
        "a.b",
        "www.a-b.com",
        "www.",
        "now.",
        "http://x.y/z?q=1",
        "https:/",
        "ftp://f",
        "<br />",
        "<3",
        "&amp;",
        "&#39;",
        "& ",
        "'",
        "\u{2019}",
        "caf\u{e9}",
        "e\u{301}",
        "\u{200B}",
        "ดี",
        "很好",
        "😀",
        "<",
        ".",
        ",",
        ":",
        "/",
        " ",
        "  ",
        "\n",
        "-",
        "!?",
        "averyveryverylongwordindeed",
        "x",
        "ß",
        "\0",
    ];
    for cleaning in [
        Cleaning::default(),
        Cleaning { lowercase: false, html: Markup::Keep, urls: Treatment::Keep, ..Cleaning::default() },
        Cleaning { numbers: Treatment::Replace, stop_words: StopWords::English, ..Cleaning::default() },
    ] {
        let mut seed = 1_u64;
        for _ in 0..5_000 {
            let mut text = String::new();
            for _ in 0..seed % 23 {
                seed = crate::text::word::mix(seed);
                text.push_str(pieces[(seed >> 20) as usize % pieces.len()]);
                if !seed.is_multiple_of(3) {
                    text.push(' ');
                }
            }
            seed = crate::text::word::mix(seed);
            let mut stepped = Vec::new();
            let emit = |word: &mut Word| stepped.push(String::from_utf8(word.as_bytes().to_vec()).unwrap());
            // As if it might hold an address of mail.
            let (bytes, mut word) = (text.as_bytes(), Word::new());
            Pass {
                cleaning: &cleaning,
                text: &text,
                bytes,
                at: 0,
                no_email_before: 0,
                is_negating: false,
                word: &mut word,
                emit,
            }
            .run();
            assert_eq!(words_with(&cleaning, &text), stepped, "{text:?}");
        }
    }
}

#[test]
fn a_text_without_spaces_gives_one_word_of_bounded_length() {
    let found = words(&"ab".repeat(100_000));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].len(), crate::text::word::MAX_WORD_BYTES);
    assert!(words(&"é".repeat(1000)).iter().all(|word| word.len() <= crate::text::word::MAX_WORD_BYTES));
}

#[test]
fn hostile_repetitions_take_time_in_proportion_to_their_length() {
    // Each would take hours if a look-ahead were made again at each byte; the test's own time-out is the assertion.
    for piece in ["<", "<a", "&", "a@", "a.", "@", "http://", "w", "&#", "'", "\u{301}", "\u{200B}", "ก\u{0E31}"] {
        let text = piece.repeat(2_000_000 / piece.len());
        let mut count = 0;
        for_each_word(&Cleaning::default(), &text, &mut Word::new(), |_| count += 1);
        assert!(count <= text.len(), "{piece}");
    }
}

/// Negated words with a mark.
fn marked(text: &str) -> String {
    let cleaning = Cleaning { mark_negated: true, punctuation: Punctuation::Keep, ..Cleaning::default() };
    let mut words = Vec::new();
    for_each_word(&cleaning, text, &mut Word::new(), |word| {
        let mark = if word.is_negated() { "-" } else { "" };
        words.push(format!("{mark}{}", std::str::from_utf8(word.as_bytes()).unwrap()));
    });
    words.join(" ")
}

#[test]
fn words_behind_a_negation_are_marked_up_to_the_end_of_the_clause() {
    assert_eq!(marked("I did not like it, but she did"), "i did not -like -it , but she did");
    assert_eq!(marked("Isn't good! Don’t buy"), "isn't -good ! don't -buy");
    assert_eq!(marked("never ever<br />again"), "never -ever again");
    assert_eq!(marked("cannot say I don't like it"), "cannot -say -i -don't -like -it");
    assert_eq!(marked("no 3.5 or \"that\" well-known (one)"), "no -3.5 -or \" -that \" -well - -known ( one )");
    assert_eq!(marked("not good… fine"), "not -good fine");
    assert_eq!(marked("not https://a.example/x. Good"), "not -<url> . good");
}

#[test]
fn marked_words_have_other_hashes_and_those_before_the_negation_do_not() {
    let hashes = |mark_negated, text| {
        let cleaning = Cleaning { mark_negated, ..Cleaning::default() };
        let mut hashes = Vec::new();
        for_each_word(&cleaning, text, &mut Word::new(), |word| hashes.push(word.hash()));
        hashes
    };
    let [with, without] = [true, false].map(|mark| hashes(mark, "this is not good. this"));
    assert_eq!(with.len(), without.len());
    let same: Vec<bool> = with.iter().zip(&without).map(|(one, other)| one == other).collect();
    assert_eq!(same, [true, true, true, false, true]);
    assert_eq!(hashes(true, "not good good")[1..], [with[3]; 2]);
}

#[test]
fn a_negation_is_known_whatever_happens_to_endings_and_function_words() {
    let cleaning = Cleaning {
        mark_negated: true,
        stemming: Stemming::Porter,
        stop_words: StopWords::English,
        ..Cleaning::default()
    };
    let mut negated = Vec::new();
    for_each_word(&cleaning, "nothing was working", &mut Word::new(), |word| negated.push(word.is_negated()));
    assert_eq!(negated, [false, true]);
}

//! English function words: articles, pronouns, auxiliaries, prepositions, conjunctions. Negations and degree words (`not`, `no`,
//! `never`, `very`, `too`, ..) are left in the text on purpose: they turn or strengthen what they stand with.

/// Sorted, for binary search.
const ENGLISH: &[&str] = &[
    "a", "about", "after", "again", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be", "because", "been",
    "before", "being", "between", "both", "but", "by", "can", "could", "did", "do", "does", "doing", "down", "during",
    "each", "few", "for", "from", "further", "had", "has", "have", "having", "he", "her", "here", "hers", "herself",
    "him", "himself", "his", "how", "i", "i'd", "i'll", "i'm", "i've", "if", "in", "into", "is", "it", "it's", "its",
    "itself", "may", "me", "might", "must", "my", "myself", "of", "on", "once", "or", "other", "our", "ours",
    "ourselves", "out", "over", "own", "same", "shall", "she", "should", "so", "some", "such", "than", "that", "the",
    "their", "theirs", "them", "themselves", "then", "there", "these", "they", "this", "those", "through", "to", "under",
    "until", "up", "upon", "us", "was", "we", "were", "what", "when", "where", "which", "while", "who", "whom", "whose",
    "why", "will", "with", "would", "you", "your", "yours", "yourself", "yourselves",
];

pub(super) fn is_english(word: &[u8]) -> bool {
    ENGLISH.binary_search_by(|stop_word| stop_word.as_bytes().cmp(word)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_so_that_every_word_of_it_is_found() {
        assert!(ENGLISH.is_sorted());
        assert!(ENGLISH.iter().all(|word| is_english(word.as_bytes())));
    }

    #[test]
    fn negations_are_no_stop_words() {
        assert!(["not", "no", "never", "don't", "nor", "very"].iter().all(|word| !is_english(word.as_bytes())));
    }
}

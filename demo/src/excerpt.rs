//! A review in one short line, for the eyes of whoever runs the demo; it goes to the screen and nowhere else.

use schemas::Review;

const CHARACTERS: usize = 60;

/// Stars, then as much of title and text as fits, without line breaks and control characters.
pub(crate) fn excerpt(review: &Review) -> String {
    let stars = match review.rating {
        Some(rating) => {
            let full = rating.stars().round() as usize;
            format!("{}{}", "★".repeat(full), "☆".repeat(5 - full.min(5)))
        }
        None => "     ".to_owned(),
    };
    let title = review.title.as_deref().filter(|title| !title.trim().is_empty());
    let separator = if title.is_some() { ": " } else { "" };
    let whole = title.into_iter().chain([separator, &review.text]).flat_map(str::chars);
    // Control characters could steer the terminal.
    let mut shown: String = whole.clone().map(|c| if c.is_control() { ' ' } else { c }).take(CHARACTERS).collect();
    if whole.count() > CHARACTERS {
        shown.push('…');
    }
    format!("{stars} {shown}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::{Rating, ReviewId, Timestamp};

    fn review(title: Option<&str>, text: &str) -> Review {
        Review {
            review_id: ReviewId("r".into()),
            product_id: None,
            user_id: None,
            title: title.map(str::to_owned),
            text: text.into(),
            rating: Rating::new(2.0),
            created_at: Timestamp::now(),
        }
    }

    #[test]
    fn title_and_text_share_the_line() {
        assert_eq!(excerpt(&review(Some("Fine"), "Works.")), "★★☆☆☆ Fine: Works.");
        assert_eq!(excerpt(&review(None, "Works.")), "★★☆☆☆ Works.");
    }

    #[test]
    fn what_is_long_is_cut_and_what_steers_terminals_is_blanked() {
        let line = excerpt(&review(None, &format!("\u{1b}[2J\n{}", "é".repeat(100))));
        assert_eq!(line.chars().filter(|c| *c == 'é').count(), CHARACTERS - 5);
        assert!(line.ends_with('…') && !line.contains(char::is_control), "{line:?}");
    }
}

//! A verdict for people.

use registry::{GateOutcome, Verdict};
use std::fmt;

/// One line for the whole, and one for each gate.
pub struct VerdictPage<'a>(pub &'a Verdict);

impl fmt::Display for VerdictPage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Verdict { passed, forced, champion, rows, gates, reason } = self.0;
        let against = champion.map(|version| format!(" against {version}")).unwrap_or_default();
        match (reason, passed, forced) {
            (Some(reason), true, _) => writeln!(f, "gates      none was asked: {reason}")?,
            (Some(reason), false, true) => writeln!(f, "gates      overruled: {reason}")?,
            (Some(reason), false, false) => writeln!(f, "gates      the alias stays where it is: {reason}")?,
            (None, ..) => {
                let outcome = match (passed, forced) {
                    (true, _) => "held",
                    (false, true) => "did not hold, and were overruled",
                    (false, false) => "did not hold, so the alias stays where it is",
                };
                writeln!(f, "gates      {outcome}{against}, on {rows} rows")?;
            }
        }
        for gate in gates {
            let GateOutcome { gate, slice, champion, challenger, p_value, passed, note, .. } = gate;
            let mark = if *passed { "held  " } else { "FAILED" };
            if let Some(note) = note {
                let slice = slice.as_ref().map(|slice| format!(" by {slice}")).unwrap_or_default();
                writeln!(f, "           {mark} {gate}{slice}: {note}")?;
                continue;
            }
            let figure = |value: &Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
            let slice = slice.as_ref().map(|slice| format!(" of {slice}")).unwrap_or_default();
            let p_value = p_value.map(|p| format!(", p = {p:.4}")).unwrap_or_default();
            let (champion, challenger) = (figure(champion), figure(challenger));
            writeln!(f, "           {mark} {gate}{slice}: from {champion} to {challenger}{p_value}")?;
        }
        Ok(())
    }
}

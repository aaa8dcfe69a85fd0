//! The sample as questions to Spark: which rows may be in it, of which class and stratum they are, and which of them stay. They
//! say in SQL what `candidate.rs`, `strata.rs` and `choice.rs` say in Rust; a test holds that the rows are the same.

use super::super::SampleError;
use super::super::quota::ByClass;
use super::super::request::SampleRequest;
use super::super::strata::Stratify;
use arrow_schema::{DataType, Schema};
use feature_store::offline::{Condition, Field};

/// The view of the files.
pub(super) const INPUT: &str = "plaudit_input";

/// Questions about files with these columns.
pub(super) struct Questions<'a> {
    pub(super) schema: &'a Schema,
    pub(super) request: &'a SampleRequest,
}

impl Questions<'_> {
    /// Whether anything says what is positive and what is negative.
    pub(super) fn has_label(&self) -> bool {
        self.column(Field::Label).is_some() || self.column(Field::Rating).is_some()
    }

    /// Why rows are left out, and how many; the others have the reason null.
    pub(super) fn reasons(&self) -> Result<String, SampleError> {
        let (text, label) = (self.is_text()?, self.label()?);
        let unreadable_label = match self.column(Field::Label) {
            Some(label) => format!("{} <> ''", word(&label.text())),
            None => "false".to_owned(),
        };
        let unreadable_rating = match self.column(Field::Rating) {
            Some(rating) => {
                format!("{} <> '' and not coalesce({}, false)", word(&rating.text()), stars_are_stars(&rating))
            }
            None => "false".to_owned(),
        };
        let neutral = self.column(Field::Rating).map_or("false".to_owned(), |rating| stars_are_stars(&rating));
        Ok(format!(
            "select case when not coalesce({text}, false) then 'no_text' when ({label}) is not null then null \
             when coalesce({unreadable_label}, false) then 'unreadable_label' \
             when coalesce({unreadable_rating}, false) then 'unreadable_rating' \
             when coalesce({neutral}, false) then 'neutral_rating' else 'no_label' end as reason, count(*) as rows \
             from {INPUT} where {} group by 1",
            self.wanted()?
        ))
    }

    /// For each cell its texts, its copies, the copies of the other label, and all its texts in one number.
    pub(super) fn texts(&self) -> Result<String, SampleError> {
        Ok(format!(
            "with {} select first.stratum as stratum, first.label as label, count(*) as texts, \
             sum(copies) - count(*) as copies, \
             sum(case when first.label = 1 then copies - positives else positives end) as contradictions, \
             bit_xor(hash) as content from firsts group by 1, 2",
            self.firsts()?
        ))
    }

    /// The rows that stay, with these columns and the hash of their text.
    pub(super) fn rows(&self, columns: &[String], kept: &[(String, ByClass)]) -> Result<String, SampleError> {
        let cells: Vec<String> = kept
            .iter()
            .flat_map(|(stratum, rows)| [(stratum, 0, rows.negative), (stratum, 1, rows.positive)])
            .filter(|(_, _, rows)| *rows > 0)
            .map(|(stratum, label, rows)| format!("({}, {label}, {rows}L)", literal(stratum)))
            .collect();
        let columns: Vec<String> = columns.iter().map(|column| format!("rows.{}", name(column))).collect();
        Ok(format!(
            "with {}, quotas(stratum, label, quota) as (values {}), \
             ranked as (select hash, first, row_number() over (partition by first.stratum, first.label \
             order by hash < 0, hash) as place from firsts), \
             chosen as (select hash, first from ranked join quotas on first.stratum = quotas.stratum \
             and first.label = quotas.label where place <= quota) \
             select {}, chosen.hash as plaudit_hash from (select *, {} from {INPUT} where {}) rows join chosen \
             on rows.plaudit_hash = chosen.hash and rows.plaudit_order = chosen.first",
            self.firsts()?,
            cells.join(", "),
            columns.join(", "),
            self.keys()?,
            self.candidates()?,
        ))
    }

    /// The first copy of each text.
    fn firsts(&self) -> Result<String, SampleError> {
        Ok(format!(
            "firsts as (select plaudit_hash as hash, min(plaudit_order) as first, count(*) as copies, \
             sum(plaudit_order.label) as positives from (select {} from {INPUT} where {}) group by plaudit_hash)",
            self.keys()?,
            self.candidates()?
        ))
    }

    /// The hash of the text, and what the copies of a text are ordered by.
    fn keys(&self) -> Result<String, SampleError> {
        let text = self.text()?;
        let time = self.time()?.unwrap_or_else(|| "cast(null as bigint)".to_owned());
        let id = |field| {
            let id = self.column(field)?.text();
            Some(format!("case when {id} rlike r'(?U)\\S' then {id} end"))
        };
        let ids = [Field::ReviewId, Field::ProductId, Field::UserId].into_iter().filter_map(id);
        let others: Vec<String> = ids.chain(self.column(Field::Title).map(|title| title.text())).collect();
        let others = if others.is_empty() { "42L".to_owned() } else { format!("xxhash64({})", others.join(", ")) };
        let label = self.label()?;
        let stratum = self.stratum()?;
        Ok(format!(
            "xxhash64({text}) as plaudit_hash, named_struct('time', coalesce({time}, {}L), 'others', {others}, \
             'label', {label}, 'stratum', {stratum}) as plaudit_order",
            i64::MAX
        ))
    }

    fn candidates(&self) -> Result<String, SampleError> {
        Ok(format!("{} and {} and ({}) is not null", self.wanted()?, self.is_text()?, self.label()?))
    }

    /// What the conditions and the time leave.
    fn wanted(&self) -> Result<String, SampleError> {
        let read = &self.request.read;
        let mut all = vec!["true".to_owned()];
        for condition in &read.conditions {
            all.push(self.condition(condition)?);
        }
        let time = self.time()?;
        for (moment, comparison) in [(read.since, ">="), (read.until, "<")] {
            if let (Some(moment), Some(time)) = (moment, &time) {
                all.push(format!("({time}) {comparison} {}L", moment.epoch_millis()));
            }
        }
        Ok(all.join(" and "))
    }

    fn condition(&self, condition: &Condition) -> Result<String, SampleError> {
        let Some(column) = self.column_named(condition.column()) else { return Ok("false".to_owned()) };
        let (value, reference) = (condition.value(), name(condition.column()));
        if value.is_empty() {
            return Ok(format!("coalesce({}, '') = ''", column.text()));
        }
        let number = value.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        Ok(match column.kind {
            kind if is_text(kind) => format!("{} = {}", column.text(), literal(value)),
            DataType::Boolean => format!("{reference} = try_cast({} as boolean)", literal(value.trim())),
            kind if kind.is_numeric() => match number {
                Some(_) if kind.is_integer() && value.trim().parse::<i64>().is_ok() => {
                    format!("{reference} = {}L", value.trim())
                }
                Some(number) => format!("cast({reference} as double) = {number:?}D"),
                None => "false".to_owned(),
            },
            _ => return Err(self.unusable(&column, "a condition")),
        })
    }

    fn is_text(&self) -> Result<String, SampleError> {
        Ok(format!("{} rlike r'(?U)\\S'", self.text()?))
    }

    fn text(&self) -> Result<String, SampleError> {
        // The reader has refused files without one.
        self.column(Field::Text)
            .map(|text| text.text())
            .ok_or_else(|| SampleError::Setting("there is no text".to_owned()))
    }

    /// 0, 1 or null.
    fn label(&self) -> Result<String, SampleError> {
        let said = self.column(Field::Label).map(|label| word(&label.text()));
        let of_label = said.as_ref().map(|said| {
            format!(
                "when {said} in ('0', '0.0', 'neg', 'negative', 'false') then 0 \
                 when {said} in ('1', '1.0', 'pos', 'positive', 'true') then 1 when {said} <> '' then null"
            )
        });
        let of_rating = self.column(Field::Rating).map(|rating| {
            let stars = stars(&rating);
            format!("when {stars} >= 4 and {stars} <= 5 then 1 when {stars} >= 1 and {stars} <= 2 then 0")
        });
        let cases: Vec<String> = of_label.into_iter().chain(of_rating).collect();
        Ok(if cases.is_empty() { "cast(null as int)".to_owned() } else { format!("case {} end", cases.join(" ")) })
    }

    /// Epoch milliseconds; none where the files have no times.
    fn time(&self) -> Result<Option<String>, SampleError> {
        let Some(column) = self.column(Field::CreatedAt) else { return Ok(None) };
        let reference = name(&column.name);
        let millis = match column.kind {
            DataType::Timestamp(_, _) | DataType::Date32 | DataType::Date64 => {
                return Ok(Some(format!("unix_millis(cast({reference} as timestamp))")));
            }
            kind if kind.is_integer() => reference,
            kind if kind.is_numeric() => {
                format!("case when {reference} = floor({reference}) then cast({reference} as bigint) end")
            }
            kind if is_text(kind) => format!(
                "case when trim({reference}) rlike '^-?[0-9]+$' then try_cast(trim({reference}) as bigint) \
                 else unix_millis(try_cast(trim({reference}) as timestamp)) end"
            ),
            _ => return Err(self.unusable(&column, "the time")),
        };
        // The years that RFC 3339 can write.
        Ok(Some(format!("case when {millis} between -62167219200000L and 253402300799999L then {millis} end")))
    }

    fn stratum(&self) -> Result<String, SampleError> {
        match &self.request.stratify {
            None => Ok("''".to_owned()),
            Some(Stratify::Month) => match self.time()? {
                Some(time) => Ok(format!("coalesce(date_format(timestamp_millis({time}), 'yyyy-MM'), '')")),
                None => Ok("''".to_owned()),
            },
            Some(Stratify::Column(column)) => match self.column_named(column) {
                Some(column)
                    if is_text(column.kind) || column.kind.is_numeric() || column.kind == &DataType::Boolean =>
                {
                    Ok(format!("coalesce({}, '')", column.text()))
                }
                Some(column) => Err(self.unusable(&column, "a stratum")),
                None => Ok("''".to_owned()),
            },
        }
    }

    fn column(&self, field: Field) -> Option<Column<'_>> {
        self.column_named(self.request.read.columns.column_of(field))
    }

    fn column_named(&self, name: &str) -> Option<Column<'_>> {
        let (_, field) = self.schema.column_with_name(name)?;
        Some(Column { name: field.name().clone(), kind: field.data_type() })
    }

    fn unusable(&self, column: &Column<'_>, what: &str) -> SampleError {
        SampleError::Setting(format!(
            "column `{}` holds {}, which Spark cannot be asked for as {what}: use --engine local",
            column.name, column.kind
        ))
    }
}

struct Column<'a> {
    name: String,
    kind: &'a DataType,
}

impl Column<'_> {
    /// The value as text, as the reader of files has it: whole numbers without a point.
    fn text(&self) -> String {
        let reference = name(&self.name);
        match self.kind {
            kind if kind.is_floating() => format!(
                "case when {reference} = floor({reference}) and abs({reference}) < 1e15 \
                 then cast(cast({reference} as bigint) as string) else cast({reference} as string) end"
            ),
            _ => format!("cast({reference} as string)"),
        }
    }
}

fn is_text(kind: &DataType) -> bool {
    matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Binary)
}

fn stars(rating: &Column<'_>) -> String {
    format!("try_cast({} as double)", rating.text())
}

fn stars_are_stars(rating: &Column<'_>) -> String {
    let stars = stars(rating);
    format!("({stars} >= 1 and {stars} <= 5)")
}

/// A label or a number as people write it.
fn word(text: &str) -> String {
    format!("lower(trim(both ' \\t\\r\\n' from {text}))")
}

/// A column.
fn name(column: &str) -> String {
    format!("`{}`", column.replace('`', "``"))
}

/// A text in quotes.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_cannot_leave_their_quotes() {
        assert_eq!(name("a`b"), "`a``b`");
        assert_eq!(literal(r"it's a \ b"), r"'it\'s a \\ b'");
    }
}

//! Parses and validates the fields of a photo.
//!
//! Every value that the database would refuse must be refused here. Otherwise one bad photo would make its whole batch
//! fail.

use csv::ByteRecord;
use model::{
    photo::{Bib, ImageId, Photo},
    timestamp::Timestamp,
};
use serde::Deserialize;
use serde_json::Value;
use store::photos::NewPhoto;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};
use url::Url;

/// The problem of a record, in words for its author.
pub(super) type Fault = String;

/// The maximum length of a photo's name in the database, in characters.
const MAX_NAME: usize = 255;

/// Every column, and whether it is required.
const COLUMNS: [(&str, bool); 9] = [
    ("image_id", true),
    ("img_url", true),
    ("thumbnail_url", true),
    ("original_url", false),
    ("original_path", false),
    ("width", false),
    ("height", false),
    ("captured_at", false),
    ("bibs", false),
];

/// The position of each of [`COLUMNS`] in a CSV file.
#[derive(Debug)]
pub(super) struct Columns {
    places: [Option<usize>; COLUMNS.len()],
    count: usize,
}

impl Columns {
    /// Reads the columns of a header. An unknown column is refused: otherwise a typing error would silently drop it.
    pub(super) fn named(header: &ByteRecord) -> Result<Self, String> {
        let mut places = [None; COLUMNS.len()];
        for (place, cell) in header.iter().enumerate() {
            let name = text(cell)?;
            let column = COLUMNS.iter().position(|(known, _)| *known == name);
            if let Some(problem) = separator_problem(name) {
                return Err(problem);
            }
            let column = column.ok_or_else(|| {
                let known = COLUMNS.map(|(name, _)| name).join(", ");
                format!(
                    "its first line names an unknown column `{name}`; the known ones are: {known}"
                )
            })?;
            if places[column].replace(place).is_some() {
                return Err(format!("its first line names the column `{name}` twice"));
            }
        }
        for ((name, required), place) in COLUMNS.iter().zip(places) {
            if *required && place.is_none() {
                return Err(format!("its first line lacks the column `{name}`"));
            }
        }
        Ok(Self {
            places,
            count: header.len(),
        })
    }
}

/// The problem of a header whose columns are separated by another character than a comma. No column has one in its name.
fn separator_problem(name: &str) -> Option<String> {
    let separators = [(';', "semicolons"), ('\t', "tabs"), ('|', "vertical bars")];
    let (_, separators) = separators.iter().find(|(it, _)| name.contains(*it))?;
    Some(format!(
        "its first line separates the columns by {separators}; save the file with commas"
    ))
}

/// The fields of a photo, with types checked but values not. White space around a value is ignored, and a blank value
/// counts as missing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    image_id: String,
    img_url: String,
    thumbnail_url: String,
    original_url: Option<String>,
    original_path: Option<String>,
    width: Option<i64>,
    height: Option<i64>,
    captured_at: Option<String>,
    bibs: Option<Vec<Value>>,
}

/// The photo in a record of a CSV file.
pub(super) fn from_cells(columns: &Columns, cells: &ByteRecord) -> Result<NewPhoto, Fault> {
    if cells.len() != columns.count {
        let (found, expected) = (cells.len(), columns.count);
        return Err(format!(
            "has {found} fields, and the first line has {expected}"
        ));
    }
    let mut values: [Option<&str>; COLUMNS.len()] = [None; COLUMNS.len()];
    for (value, place) in values.iter_mut().zip(columns.places) {
        let cell = place.and_then(|place| cells.get(place)).unwrap_or_default();
        *value = Some(text(cell)?).filter(|text| !text.is_empty());
    }
    let [
        image_id,
        img_url,
        thumbnail_url,
        original_url,
        original_path,
        width,
        height,
        captured_at,
        bibs,
    ] = values;
    let owned = |value: Option<&str>| value.map(str::to_owned);
    let bibs = bibs.unwrap_or_default().split(separates_bibs);
    let bibs = bibs.filter(|bib| !bib.is_empty());
    photo(Fields {
        image_id: owned(image_id).unwrap_or_default(),
        img_url: owned(img_url).unwrap_or_default(),
        thumbnail_url: owned(thumbnail_url).unwrap_or_default(),
        original_url: owned(original_url),
        original_path: owned(original_path),
        width: pixels("width", width)?,
        height: pixels("height", height)?,
        captured_at: owned(captured_at),
        bibs: Some(bibs.map(Value::from).collect()),
    })
}

fn separates_bibs(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | ';')
}

/// The photo in a JSON object.
pub(super) fn from_json(line: &[u8]) -> Result<NewPhoto, Fault> {
    let line = text(line)?;
    let fields = serde_json::from_str(line).map_err(|error| {
        let text = error.to_string();
        // The line number is always 1, so it is dropped.
        let what = text
            .rsplit_once(" at line ")
            .map_or(&*text, |(what, _)| what);
        format!("{what} (column {})", error.column())
    })?;
    photo(fields)
}

fn text(bytes: &[u8]) -> Result<&str, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8")?;
    Ok(text.trim())
}

fn pixels(field: &str, value: Option<&str>) -> Result<Option<i64>, Fault> {
    let parsed = value.map(str::parse).transpose();
    parsed.map_err(|_| not_pixels(field))
}

fn not_pixels(field: &str) -> Fault {
    format!("{field}: must be a whole number of pixels from 1")
}

fn photo(fields: Fields) -> Result<NewPhoto, Fault> {
    for (field, value) in [("width", fields.width), ("height", fields.height)] {
        if value.is_some_and(|value| value < 1) {
            return Err(not_pixels(field));
        }
    }
    let original_url = optional(fields.original_url);
    Ok(NewPhoto {
        photo: Photo {
            img_url: address("img_url", &fields.img_url)?,
            height: fields.height,
            width: fields.width,
            image_id: name(&fields.image_id)?,
            thumbnail_url: address("thumbnail_url", &fields.thumbnail_url)?,
            original_url: original_url
                .map(|it| address("original_url", &it))
                .transpose()?,
        },
        captured_at: optional(fields.captured_at)
            .map(|it| instant(&it))
            .transpose()?,
        original_path: optional(fields.original_path).map(path).transpose()?,
        bibs: fields
            .bibs
            .unwrap_or_default()
            .iter()
            .map(bib)
            .collect::<Result<_, _>>()?,
    })
}

fn optional(value: Option<String>) -> Option<String> {
    let value = value.map(|value| value.trim().to_owned());
    value.filter(|value| !value.is_empty())
}

/// The name of a photo on a line of its own.
pub(super) fn name_in(line: &[u8]) -> Result<ImageId, Fault> {
    name(text(line)?)
}

/// The name of a photo.
pub(super) fn name(value: &str) -> Result<ImageId, Fault> {
    let name = value.trim();
    let fits = (1..=MAX_NAME).contains(&name.chars().count());
    if fits && !name.contains(char::is_control) {
        Ok(ImageId(name.to_owned()))
    } else {
        Err(format!(
            "image_id: must be 1 to {MAX_NAME} characters, none of them a control character"
        ))
    }
}

/// The address of a picture on a page. It is stored as written. Characters that browsers read as other characters are
/// refused: for example, a browser treats a backslash as a slash.
fn address(field: &str, value: &str) -> Result<String, Fault> {
    let value = value.trim();
    let plain = !value.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\');
    let from_root = value.starts_with('/') && !value.starts_with("//");
    let absolute = || {
        let lower = value.get(..8).unwrap_or(value).to_ascii_lowercase();
        (lower.starts_with("http://") || lower.starts_with("https://"))
            && Url::parse(value).is_ok_and(|url| url.has_host())
    };
    if plain && (from_root || absolute()) {
        Ok(value.to_owned())
    } else {
        Err(format!(
            "{field}: must be an address that starts with https://, http:// or a single /"
        ))
    }
}

/// The name of an object in the storage of originals. Each name is relative and has only one spelling.
fn path(value: String) -> Result<String, Fault> {
    let plain = !value.contains(|c: char| c.is_control() || c == '\\');
    let segment = |segment: &str| !matches!(segment, "" | "." | "..");
    if plain && value.split('/').all(segment) {
        Ok(value)
    } else {
        Err("original_path: must be a relative path like 456/IMG_0001.jpg, without . or .. segments, double slashes, backslashes and control characters".to_owned())
    }
}

/// RFC 3339 only, which includes the time zone: a local time is ambiguous.
fn instant(value: &str) -> Result<Timestamp, Fault> {
    OffsetDateTime::parse(value, &Rfc3339)
        .ok()
        .and_then(|instant| instant.checked_to_offset(UtcOffset::UTC))
        .filter(|instant| (1..=9999).contains(&instant.year()))
        .and_then(|instant| {
            let millis = instant.unix_timestamp_nanos().div_euclid(1_000_000);
            i64::try_from(millis).ok().map(Timestamp)
        })
        .ok_or_else(|| {
            "captured_at: must be a time with its time zone (RFC 3339), like 2026-01-19T08:30:00+01:00 or 2026-01-19T07:30:00.250Z".to_owned()
        })
}

/// One bib number. A text with other characters is probably several numbers, or a number as a spreadsheet formats it.
/// A search for a number would not find its photo.
fn bib(value: &Value) -> Result<Bib, Fault> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_u64() => number.to_string(),
        _ => return Err("bibs: must be a list of texts or whole numbers".to_owned()),
    };
    let bib = Bib::parse(&text).map_err(|error| format!("bibs: each {error}"))?;
    let shown = bib.to_string();
    let can_be_a_bib = shown.contains(char::is_alphanumeric)
        && shown
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    can_be_a_bib.then_some(bib).ok_or_else(|| {
        format!(
            "bibs: `{shown}` must be one bib number of letters, digits, hyphens and underscores"
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MINIMAL: [(&str, &str); 3] = [
        ("image_id", "IMG_1"),
        ("img_url", "https://images.example.com/1.jpg"),
        ("thumbnail_url", "/t/1.jpg"),
    ];

    /// The record with these fields, as either format reads it. Numbers are texts in CSV.
    fn read(fields: &[(&str, Value)]) -> Result<NewPhoto, Fault> {
        let header: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
        let cells: Vec<_> = fields
            .iter()
            .map(|(_, value)| match value {
                Value::String(text) => text.clone(),
                Value::Array(values) => {
                    let texts = values.iter().map(|it| it.as_str().unwrap_or_default());
                    texts.collect::<Vec<_>>().join(" ; ")
                }
                other => other.to_string(),
            })
            .collect();
        let columns = Columns::named(&header.into()).expect("known columns");
        let from_csv = from_cells(&columns, &cells.into());
        let object: serde_json::Map<_, _> = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        let from_json = from_json(Value::from(object).to_string().as_bytes());
        assert_eq!(from_csv, from_json);
        from_csv
    }

    fn with(field: &str, value: Value) -> Result<NewPhoto, Fault> {
        let mut fields: Vec<_> = MINIMAL.map(|(name, text)| (name, json!(text))).to_vec();
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        read(&fields)
    }

    #[track_caller]
    fn assert_refused(field: &str, value: Value) {
        let fault = with(field, value.clone()).expect_err(&format!("{field} {value}"));
        assert!(fault.starts_with(&format!("{field}: must be")), "{fault}");
    }

    #[test]
    fn both_formats_read_the_same_photo() {
        let photo = read(&[
            ("image_id", json!(" IMG 1 ")),
            ("img_url", json!("https://images.example.com/1.jpg?a=b")),
            ("thumbnail_url", json!("/t/1.jpg")),
            ("original_url", json!("HTTP://images.example.com/1.tif")),
            ("original_path", json!("456/IMG 1.jpg")),
            ("width", json!(6000)),
            ("height", json!(4000)),
            ("captured_at", json!("2026-01-19T08:30:00.2509+01:00")),
            ("bibs", json!(["1234", "A17", "Ä"])),
        ]);
        let photo = photo.expect("a photo");
        assert_eq!(photo.photo.image_id.0, "IMG 1");
        assert_eq!(photo.photo.width, Some(6000));
        assert_eq!(photo.captured_at, Some(Timestamp(1_768_807_800_250)));
        assert_eq!(photo.original_path.as_deref(), Some("456/IMG 1.jpg"));
        let bibs: Vec<_> = photo.bibs.iter().map(Bib::to_string).collect();
        assert_eq!(bibs, ["1234", "A17", "Ä"]);
    }

    #[test]
    fn what_is_optional_may_be_empty_or_missing() {
        let bare = read(&MINIMAL.map(|(name, text)| (name, json!(text)))).expect("a photo");
        for field in ["original_url", "original_path", "captured_at"] {
            assert_eq!(with(field, json!(" ")).as_ref(), Ok(&bare), "{field}");
        }
        assert_eq!(with("bibs", json!([])).as_ref(), Ok(&bare));
        let nulls = r#"{"image_id":"IMG_1","img_url":"https://images.example.com/1.jpg",
            "thumbnail_url":"/t/1.jpg","width":null,"captured_at":null,"bibs":null}"#;
        assert_eq!(from_json(nulls.as_bytes()).as_ref(), Ok(&bare));
    }

    #[test]
    fn a_name_is_short_and_printable() {
        assert!(with("image_id", json!("ä".repeat(255))).is_ok());
        for bad in ["", " ", "a\u{0}b", "a\u{1b}[2J", &"a".repeat(256)] {
            assert_refused("image_id", json!(bad));
        }
    }

    #[test]
    fn an_address_is_absolute_or_from_the_root() {
        for bad in [
            "",
            "images/1.jpg",
            "//images.example.com/1.jpg",
            "/\\images.example.com/1.jpg",
            "javascript:alert(1)",
            "data:image/png;base64,AAAA",
            "ftp://images.example.com/1.jpg",
            "https://",
            "https:images.example.com/1.jpg",
            "https://images.example.com/a b.jpg",
            "https://images.example.com/a\u{0}.jpg",
        ] {
            assert_refused("img_url", json!(bad));
            assert_refused("thumbnail_url", json!(bad));
            if !bad.is_empty() {
                assert_refused("original_url", json!(bad));
            }
        }
    }

    #[test]
    fn a_path_stays_below_the_root_of_the_originals() {
        for bad in [
            "/etc/passwd",
            "../secret",
            "456/../../secret",
            "456/./1.jpg",
            "456//1.jpg",
            "456/",
            "..",
            "a\\..\\b",
            "a\u{0}",
            "a\nb",
        ] {
            assert_refused("original_path", json!(bad));
        }
        for good in ["1.jpg", "456/..1.jpg", "456/sub folder/1.jpg"] {
            assert!(with("original_path", json!(good)).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_time_says_its_zone_and_lies_in_the_years_that_a_date_can_say() {
        for (text, millis) in [
            ("1969-12-31T23:59:59.999Z", -1),
            ("1970-01-01T00:00:00-00:00", 0),
            ("0001-01-01T00:00:00Z", -62_135_596_800_000),
            ("9999-12-31T23:59:59.9999Z", 253_402_300_799_999),
        ] {
            let photo = with("captured_at", json!(text)).expect(text);
            assert_eq!(photo.captured_at, Some(Timestamp(millis)), "{text}");
        }
        for bad in [
            "2026-01-19T08:30:00",
            "2026-01-19",
            "1768807800",
            "2026-02-30T08:30:00Z",
            "0000-12-31T23:59:59Z",
            "0001-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-01:00",
            "yesterday",
        ] {
            assert_refused("captured_at", json!(bad));
        }
    }

    #[test]
    fn pixels_are_whole_and_positive() {
        for bad in [0, -1] {
            assert_refused("width", json!(bad));
            assert_refused("height", json!(bad));
        }
        let columns = ["image_id", "img_url", "thumbnail_url", "width"];
        let columns = Columns::named(&columns.to_vec().into()).expect("known columns");
        for bad in ["1.5", "6000px", "99999999999999999999"] {
            let cells = vec!["a", "/a", "/a", bad].into();
            let fault = from_cells(&columns, &cells).expect_err(bad);
            assert_eq!(fault, "width: must be a whole number of pixels from 1");
        }
    }

    #[test]
    fn json_bibs_may_be_whole_numbers_and_nothing_else() {
        let read = |bibs: &str| {
            let line =
                format!(r#"{{"image_id":"a","img_url":"/a","thumbnail_url":"/a","bibs":{bibs}}}"#);
            from_json(line.as_bytes())
        };
        let photo = read(r#"[12, "A17"]"#).expect("a photo");
        assert_eq!(photo.bibs[0].key(), "12");
        for bad in ["[1.5]", "[-1]", "[null]", "[[1]]", r#"[""]"#, "\"12\""] {
            let fault = read(bad).expect_err(bad);
            assert!(
                fault.contains("bibs") || fault.contains("sequence"),
                "{fault}"
            );
        }
    }

    #[test]
    fn bibs_in_csv_are_separated_by_commas_semicolons_and_any_white_space() {
        let columns = ["image_id", "img_url", "thumbnail_url", "bibs"];
        let columns = Columns::named(&columns.to_vec().into()).expect("known columns");
        for text in [
            "7001,7002",
            "7001, 7002,",
            "7001;7002",
            "7001\u{a0}7002",
            "\u{2003}7001\t\r\n7002 ",
            "7001,;, 7002",
        ] {
            let photo = from_cells(&columns, &vec!["a", "/a", "/a", text].into());
            let bibs = photo.expect(text).bibs;
            let bibs: Vec<_> = bibs.iter().map(Bib::to_string).collect();
            assert_eq!(bibs, ["7001", "7002"], "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_a_bib_is_refused_by_name_in_both_formats() {
        for good in ["A-17", "F_12", "Ä7", "۷۰۰۱", "007"] {
            assert!(with("bibs", json!([good])).is_ok(), "{good}");
        }
        for bad in [
            "7001|7002",
            "7001/7002",
            "#7010",
            "7009.0",
            "'7001",
            "7001、7002",
            "\u{200b}7001",
            "7001–7005",
            "-",
            "=7001",
            "(7001)",
        ] {
            let fault = with("bibs", json!(["12", bad])).expect_err(bad);
            assert!(fault.starts_with(&format!("bibs: `{bad}` must")), "{fault}");
        }
        for bad in ["7001,7002", "7001 7002", "7001\u{a0}7002"] {
            let object = json!({
                "image_id": "a", "img_url": "/a", "thumbnail_url": "/a", "bibs": [bad]
            });
            let fault = from_json(object.to_string().as_bytes()).expect_err(bad);
            assert!(fault.starts_with(&format!("bibs: `{bad}` must")), "{fault}");
        }
    }

    #[test]
    fn an_object_with_an_unknown_missing_or_doubled_field_is_refused_and_names_it() {
        let refused = |line: &str| from_json(line.as_bytes()).expect_err(line);
        let unknown = refused(r#"{"image_id":"a","bib":"1"}"#);
        assert!(unknown.contains("unknown field `bib`"), "{unknown}");
        assert!(unknown.ends_with("(column 21)"), "{unknown}");
        assert!(refused(r#"{"image_id":"a"}"#).contains("missing field `img_url`"));
        assert!(refused(r#"{"image_id":"a","image_id":"b"}"#).contains("duplicate field"));
        assert!(refused("[]").contains("expected"));
        assert!(refused("{").contains("EOF"));
    }

    #[test]
    fn a_row_has_as_many_fields_as_the_first_line() {
        let names = MINIMAL.map(|(name, _)| name).to_vec();
        let columns = Columns::named(&names.into()).expect("known columns");
        for cells in [vec!["a", "/a"], vec!["a", "/a", "/a", ""]] {
            let fault = from_cells(&columns, &cells.into()).expect_err("refused");
            assert!(
                fault.ends_with("fields, and the first line has 3"),
                "{fault}"
            );
        }
    }
}

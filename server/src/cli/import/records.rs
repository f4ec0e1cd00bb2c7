//! Reads a file of photos record by record. Only one record is in memory at a time, and a bad record does not affect the
//! others.

use std::{
    collections::VecDeque,
    io::{self, BufRead, Read},
};

use csv::{ByteRecord, ReaderBuilder, Terminator};
use model::photo::ImageId;
use store::photos::NewPhoto;

use super::fields::{self, Columns, Fault};

/// The number of photos in one transaction: large enough to be fast, small enough that other writers hardly wait.
pub(super) const BATCH: usize = 1_000;

/// The maximum size of a record, in bytes.
pub(super) const MAX_RECORD: usize = 64 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Comma-separated values; the first record names the columns.
    Csv,
    /// A JSON object on each line.
    JsonLines,
}

/// Why a file cannot be read at all.
#[derive(Debug)]
pub(super) enum Unreadable {
    Input(io::Error),
    /// The header is invalid.
    Header(String),
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        Self::Input(error)
    }
}

/// The records of a file.
pub(super) struct Records<R> {
    lines: Lines<R>,
    /// Only for CSV files: JSON objects name their fields.
    columns: Option<Columns>,
}

/// A record's first line, counted from 1, and its content or problem.
pub(super) type Found<T> = (u64, Result<T, Fault>);

impl<R: BufRead> Records<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`Unreadable::Header`] if the file is no UTF-8 text with lines, or if a CSV file lacks a required column or has an
    /// unknown one.
    pub(super) fn open(format: Format, input: R) -> Result<Self, Unreadable> {
        let mut lines = Lines::new(input);
        if let Some(first) = lines.next()? {
            if let Some(problem) = encoding_problem(first.1.start()) {
                return Err(Unreadable::Header(problem.to_owned()));
            }
            lines.give_back(vec![first]);
        }
        let columns = match format {
            Format::JsonLines => None,
            Format::Csv => {
                let header = match lines.next_csv()? {
                    Some((_, header)) => header.and_then(|header| Columns::named(&header)),
                    None => Err("it is empty; its first line must name the columns".to_owned()),
                };
                Some(header.map_err(Unreadable::Header)?)
            }
        };
        Ok(Self { lines, columns })
    }

    /// The next record. Blank lines are skipped.
    ///
    /// # Errors
    /// Those of reading.
    pub(super) fn next(&mut self) -> io::Result<Option<Found<NewPhoto>>> {
        Ok(match &self.columns {
            None => {
                let found = self.lines.next_text()?;
                found.map(|(line, text)| (line, text.and_then(|text| fields::from_json(&text))))
            }
            Some(columns) => {
                let found = self.lines.next_csv()?;
                found.map(|(line, cells)| {
                    let photo = cells.and_then(|cells| fields::from_cells(columns, &cells));
                    (line, photo)
                })
            }
        })
    }

    /// The number of bytes read so far.
    pub(super) const fn bytes(&self) -> u64 {
        self.lines.bytes
    }
}

/// A file with one photo's name on each line.
pub(super) struct Ids<R>(Lines<R>);

impl<R: BufRead> Ids<R> {
    pub(super) const fn new(input: R) -> Self {
        Self(Lines::new(input))
    }

    /// The next name. Blank lines are skipped.
    ///
    /// # Errors
    /// Those of reading.
    pub(super) fn next(&mut self) -> io::Result<Option<Found<ImageId>>> {
        let found = self.0.next_text()?;
        Ok(found.map(|(line, text)| (line, text.and_then(|text| fields::name_in(&text)))))
    }
}

/// The problem of a file whose first line begins like this, if it is stored in a way that would make every line bad.
fn encoding_problem(start: &[u8]) -> Option<&'static str> {
    const UTF_16_MARKS: [&[u8]; 2] = [b"\xFF\xFE", b"\xFE\xFF"];
    if start.contains(&0) || UTF_16_MARKS.iter().any(|mark| start.starts_with(mark)) {
        Some("it is UTF-16; save it as UTF-8")
    } else if start.contains(&b'\r') {
        Some("its lines end with a carriage return (CR) only; save it with line feeds (LF or CRLF)")
    } else {
        None
    }
}

fn too_long() -> Fault {
    format!("is longer than {MAX_RECORD} bytes")
}

/// Whether a quoted field is open at the end of `line`, by RFC 4180 and as the `csv` crate reads it. A quotation mark
/// opens a field only as its first character. Two of them within a quoted field mean one.
fn leaves_open(line: &[u8], open: bool) -> bool {
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum At {
        Start,
        Plain,
        Quoted,
        Mark,
    }
    let start = if open { At::Quoted } else { At::Start };
    let end = line.iter().fold(start, |at, byte| match (at, byte) {
        (At::Quoted, b'"') => At::Mark,
        (At::Quoted, _) | (At::Start | At::Mark, b'"') => At::Quoted,
        (At::Start | At::Plain | At::Mark, b',') => At::Start,
        (At::Start | At::Plain | At::Mark, _) => At::Plain,
    });
    end == At::Quoted
}

/// The cells of one CSV record.
fn cells(record: &[u8]) -> Result<ByteRecord, Fault> {
    let mut cells = ByteRecord::new();
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .terminator(Terminator::Any(b'\n'))
        .buffer_capacity(record.len().max(1))
        .from_reader(record);
    match reader.read_byte_record(&mut cells) {
        Ok(_) => Ok(cells),
        Err(error) => Err(error.to_string()),
    }
}

enum Line {
    /// Without its line break.
    Text(Vec<u8>),
    /// The beginning of a line that is longer than the maximum.
    TooLong(Vec<u8>),
}

impl Line {
    fn start(&self) -> &[u8] {
        match self {
            Self::Text(start) | Self::TooLong(start) => start,
        }
    }
}

/// Physical lines with their numbers, from 1.
struct Lines<R> {
    input: R,
    /// The number of the last line.
    number: u64,
    bytes: u64,
    given_back: VecDeque<(u64, Line)>,
}

impl<R: BufRead> Lines<R> {
    const fn new(input: R) -> Self {
        Self {
            input,
            number: 0,
            bytes: 0,
            given_back: VecDeque::new(),
        }
    }

    /// The next line that is not blank.
    fn next_text(&mut self) -> io::Result<Option<Found<Vec<u8>>>> {
        loop {
            return Ok(match self.next()? {
                Some((_, Line::Text(text))) if text.trim_ascii().is_empty() => continue,
                Some((number, Line::Text(text))) => Some((number, Ok(text))),
                Some((number, Line::TooLong(_))) => Some((number, Err(too_long()))),
                None => None,
            });
        }
    }

    /// The cells of the next CSV record, and its first line.
    fn next_csv(&mut self) -> io::Result<Option<Found<ByteRecord>>> {
        let Some((number, first)) = self.next_text()? else {
            return Ok(None);
        };
        let record = match first {
            Ok(first) => self.complete(first)?,
            Err(fault) => Err(fault),
        };
        Ok(Some((number, record.and_then(|record| cells(&record)))))
    }

    /// Adds lines to `record` until no quoted field is open. If no line closes the field, only the first line counts as the
    /// record: one stray quotation mark costs one photo, not all later ones.
    fn complete(&mut self, mut record: Vec<u8>) -> io::Result<Result<Vec<u8>, Fault>> {
        let mut taken = Vec::new();
        let mut open = leaves_open(&record, false);
        while open {
            match self.next()? {
                Some((_, Line::Text(text))) if record.len() + text.len() < MAX_RECORD => {
                    open = leaves_open(&text, true);
                    record.push(b'\n');
                    record.extend_from_slice(&text);
                    taken.push((self.number, Line::Text(text)));
                }
                end => {
                    taken.extend(end);
                    self.give_back(taken);
                    return Ok(Err("a quotation mark is not closed".to_owned()));
                }
            }
        }
        Ok(Ok(record))
    }

    fn next(&mut self) -> io::Result<Option<(u64, Line)>> {
        if let Some((number, line)) = self.given_back.pop_front() {
            self.number = number;
            return Ok(Some((number, line)));
        }
        let Some(mut line) = self.read()? else {
            return Ok(None);
        };
        self.number += 1;
        if let (1, Line::Text(text)) = (self.number, &mut line)
            && text.starts_with(BYTE_ORDER_MARK)
        {
            text.drain(..BYTE_ORDER_MARK.len());
        }
        Ok(Some((self.number, line)))
    }

    /// Puts lines back, so that they are read next.
    fn give_back(&mut self, lines: Vec<(u64, Line)>) {
        for line in lines.into_iter().rev() {
            self.given_back.push_front(line);
        }
    }

    /// The next line of the input. The rest of a line that is too long is skipped.
    fn read(&mut self) -> io::Result<Option<Line>> {
        // Plus the two characters of a line break.
        const MOST: usize = MAX_RECORD + 2;
        let mut text = Vec::new();
        let mut input = self.input.by_ref().take(MOST as u64);
        let read = input.read_until(b'\n', &mut text)?;
        self.bytes += read as u64;
        if read == 0 {
            return Ok(None);
        }
        if text.last() == Some(&b'\n') {
            text.pop();
        } else if read == MOST {
            self.bytes += self.input.skip_until(b'\n')? as u64;
        }
        if text.last() == Some(&b'\r') {
            text.pop();
        }
        let fits = text.len() <= MAX_RECORD;
        Ok(Some(if fits {
            Line::Text(text)
        } else {
            Line::TooLong(text)
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    const HEADER: &str = "image_id,img_url,thumbnail_url,bibs\n";

    fn read(format: Format, content: &[u8]) -> Vec<Found<String>> {
        // A buffer smaller than any line.
        let input = BufReader::with_capacity(5, content);
        let mut records = Records::open(format, input).expect("readable");
        let mut found = Vec::new();
        while let Some((line, photo)) = records.next().expect("a file in memory") {
            found.push((line, photo.map(|it| it.photo.image_id.0)));
        }
        assert_eq!(records.bytes(), content.len() as u64);
        found
    }

    fn csv(rows: &str) -> Vec<Found<String>> {
        read(Format::Csv, format!("{HEADER}{rows}").as_bytes())
    }

    fn good(line: u64, name: &str) -> Found<String> {
        (line, Ok(name.to_owned()))
    }

    fn bad(line: u64, fault: &str) -> Found<String> {
        (line, Err(fault.to_owned()))
    }

    #[test]
    fn records_carry_the_number_of_their_first_line_whatever_ends_lines() {
        assert_eq!(csv("a,/a,/a,\nb,/b,/b,\n"), [good(2, "a"), good(3, "b")]);
        assert_eq!(
            csv("a,/a,/a,\r\n\r\n   \nb,/b,/b,"),
            [good(2, "a"), good(5, "b")]
        );
        assert_eq!(
            csv("a,/a,/a,\"1\n2\r\n3\"\nb,/b,/b,\n"),
            [good(2, "a"), good(5, "b")]
        );
        assert_eq!(csv(""), []);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_name() {
        let content = format!("\u{FEFF}{HEADER}a,/a,/a,\n");
        assert_eq!(read(Format::Csv, content.as_bytes()), [good(2, "a")]);
        let content = "\u{FEFF}{\"image_id\":\"a\",\"img_url\":\"/a\",\"thumbnail_url\":\"/a\"}";
        assert_eq!(read(Format::JsonLines, content.as_bytes()), [good(1, "a")]);
    }

    #[test]
    fn a_quotation_mark_that_is_not_closed_costs_one_line() {
        let fault = "a quotation mark is not closed";
        assert_eq!(
            csv("a,/a,/a,\"1\nb,/b,/b,2\nc,/c,/c,3\n"),
            [bad(2, fault), good(3, "b"), good(4, "c")]
        );
        let many = "b,/b,/b,2\n".repeat(10_000);
        let found = csv(&format!("a,/a,/a,\"1\n{many}"));
        assert_eq!(found[0], bad(2, fault));
        assert_eq!(found.len(), 10_001);
        assert!(found[1..].iter().all(|(_, photo)| photo.is_ok()));
        assert_eq!(found[10_000].0, 10_002);
    }

    #[test]
    fn a_line_that_is_too_long_costs_one_line() {
        let fault = "is longer than 65536 bytes";
        let long = "x".repeat(MAX_RECORD + 1);
        for long in [format!("a,/a,/a,{long}"), long.clone(), format!("\"{long}")] {
            assert_eq!(
                csv(&format!("{long}\nb,/b,/b,\n")),
                [bad(2, fault), good(3, "b")]
            );
        }
        assert_eq!(
            csv(&format!("a,/a,/a,\"1\n{long}\nb,/b,/b,\n")),
            [
                bad(2, "a quotation mark is not closed"),
                bad(3, fault),
                good(4, "b")
            ]
        );
    }

    #[test]
    fn a_file_that_never_ends_a_line_takes_no_memory() {
        let endless = std::io::repeat(b'"').take(200 << 20);
        let mut records = Records {
            lines: Lines::new(BufReader::new(endless)),
            columns: None,
        };
        let found = records.next().expect("readable");
        assert!(matches!(found, Some((1, Err(_)))));
        assert!(records.next().expect("readable").is_none());
    }

    #[test]
    fn bytes_that_are_no_text_cost_one_line() {
        let mut content = HEADER.as_bytes().to_vec();
        content.extend_from_slice(b"a,/a,/a,\xFF\nb,/b,/b,\n");
        assert_eq!(
            read(Format::Csv, &content),
            [bad(2, "is not UTF-8"), good(3, "b")]
        );
        let found = read(Format::JsonLines, b"\"\xFF\"\n{}\n");
        assert_eq!(found[0], bad(1, "is not UTF-8"));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn a_file_that_is_stored_in_another_way_is_named_as_what_it_is() {
        let text = format!("{HEADER}a,/a,/a,\n");
        let utf_16 = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect();
        let little: Vec<u8> = utf_16(u16::to_le_bytes);
        let big: Vec<u8> = utf_16(u16::to_be_bytes);
        let cr = text.replace('\n', "\r").into_bytes();
        for (content, what) in [
            ([b"\xFF\xFE", &little[..]].concat(), "UTF-16"),
            ([b"\xFE\xFF", &big[..]].concat(), "UTF-16"),
            (little, "UTF-16"),
            (big, "UTF-16"),
            (cr.repeat(MAX_RECORD / cr.len() + 1), "CR"),
            (cr, "CR"),
        ] {
            for format in [Format::Csv, Format::JsonLines] {
                let input = BufReader::with_capacity(5, &content[..]);
                let Err(Unreadable::Header(problem)) = Records::open(format, input) else {
                    panic!("{what} {format:?}");
                };
                assert!(problem.contains(what), "{problem}");
            }
        }
        for (separator, name) in [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")] {
            let content = text.replace(',', separator);
            let Err(Unreadable::Header(problem)) = Records::open(Format::Csv, content.as_bytes())
            else {
                panic!("{name}");
            };
            assert!(problem.contains(name), "{problem}");
        }
    }

    #[test]
    fn a_file_without_its_columns_is_not_read() {
        let header = |content: &str| match Records::open(Format::Csv, content.as_bytes()) {
            Err(Unreadable::Header(problem)) => problem,
            _ => panic!("{content}"),
        };
        assert!(header("").contains("empty"));
        assert!(header("\n\n").contains("empty"));
        assert!(header("image_id,img_url\n").contains("thumbnail_url"));
        assert!(header("\"image_id").contains("not closed"));
        let typo = header("image_id,img_url,thumbnail_url,bib\n");
        assert!(typo.contains("`bib`") && typo.contains("bibs"), "{typo}");
        let twice = header("image_id,img_url,thumbnail_url,image_id\n");
        assert!(twice.contains("twice"), "{twice}");
    }

    /// Our splitting into records must agree with the `csv` crate. So the test splits all short texts of the relevant
    /// characters both ways.
    #[test]
    fn records_end_where_the_csv_crate_ends_them() {
        const ALPHABET: &[u8] = b"\"\n,a";
        for length in 0..=6_u32 {
            for n in 0..ALPHABET.len().pow(length) {
                let text: Vec<u8> = (0..length)
                    .map(|digit| ALPHABET[n / ALPHABET.len().pow(digit) % ALPHABET.len()])
                    .collect();
                let mut ours = Lines::new(&text[..]);
                let mut found = Vec::new();
                let mut unclosed = false;
                while let Some((_, record)) = ours.next_csv().expect("in memory") {
                    unclosed |= record.is_err();
                    found.extend(record);
                }
                if unclosed {
                    continue;
                }
                let theirs: Result<Vec<_>, _> = ReaderBuilder::new()
                    .has_headers(false)
                    .flexible(true)
                    .from_reader(&text[..])
                    .into_byte_records()
                    .collect();
                assert_eq!(
                    found,
                    theirs.expect("in memory"),
                    "{:?}",
                    String::from_utf8(text)
                );
            }
        }
    }
}

//! Archives whose entries are stored as they are, as PyTorch and Keras write them.
//!
//! Read here, for it is a table and a length: crates that do it bring decompression along, which neither program uses.

use super::{Error, Format};

/// An entry's name and its bytes.
pub(super) type Entry<'a> = (String, &'a [u8]);

/// The most entries that are read.
const MOST_ENTRIES: usize = 10_000;

/// All entries, in the order of the archive's directory.
pub(super) fn entries(bytes: &[u8], format: Format) -> Result<Vec<Entry<'_>>, Error> {
    directory(bytes, format)?.into_iter().map(|(name, data)| Ok((name, data?))).collect()
}

/// The names of all entries, of compressed ones too.
pub(super) fn names(bytes: &[u8], format: Format) -> Result<Vec<String>, Error> {
    Ok(directory(bytes, format)?.into_iter().map(|(name, _)| name).collect())
}

/// An entry's name, and its bytes or why they can't be had.
type Listed<'a> = (String, Result<&'a [u8], Error>);

fn directory(bytes: &[u8], format: Format) -> Result<Vec<Listed<'_>>, Error> {
    let broken = |problem: &str| Error::broken(format, problem);
    // The end of the directory is the last record, behind which there may be a comment of up to 65,535 bytes.
    let lowest = bytes.len().saturating_sub(22 + 65_535);
    let end = (lowest..bytes.len().saturating_sub(21)).rev().find(|k| bytes[*k..].starts_with(b"PK\x05\x06"));
    let end = end.ok_or_else(|| broken("its archive has no directory, so that it was cut off"))?;
    let mut count = u64::from(half(bytes, end + 10).unwrap_or(0));
    let mut place = u64::from(word(bytes, end + 16).unwrap_or(0));
    if count == 0xffff || place == 0xffff_ffff {
        // A second record holds the large numbers; where it is stands before this one.
        let locator = end.checked_sub(20).filter(|k| bytes[*k..].starts_with(b"PK\x06\x07"));
        let record = locator.and_then(|k| long(bytes, k + 8)).and_then(|k| usize::try_from(k).ok());
        let record = record.filter(|k| bytes.get(*k..).is_some_and(|rest| rest.starts_with(b"PK\x06\x06")));
        let record = record.ok_or_else(|| broken("its archive's directory is damaged"))?;
        count = long(bytes, record + 32).unwrap_or(0);
        place = long(bytes, record + 48).unwrap_or(u64::MAX);
    }
    let mut all = Vec::new();
    let mut at = usize::try_from(place).map_err(|_| broken("its archive's directory is damaged"))?;
    for _ in 0..count.min(MOST_ENTRIES as u64) {
        let (entry, next) = entry(bytes, at, format)?;
        all.push(entry);
        at = next;
    }
    Ok(all)
}

/// The entry that the directory describes here, and where the next description is.
fn entry(bytes: &[u8], at: usize, format: Format) -> Result<(Listed<'_>, usize), Error> {
    let damaged = || Error::broken(format, "its archive's directory is damaged");
    let head =
        bytes.get(at..).filter(|rest| rest.starts_with(b"PK\x01\x02") && rest.len() >= 46).ok_or_else(damaged)?;
    let number = |k: usize| half(head, k).map(usize::from).ok_or_else(damaged);
    let (method, name, extra, comment) = (number(10)?, number(28)?, number(30)?, number(32)?);
    let text = head.get(46..46 + name).ok_or_else(damaged)?;
    let text = String::from_utf8_lossy(text).into_owned();
    if method != 0 {
        let found = format!("compressed entries ({text})");
        let advice = "Keras and PyTorch store them as they are, so it was packed again; unpack it and pack it without compression";
        return Ok(((text, Err(Error::Kind { format, found, advice })), at + 46 + name + extra + comment));
    }
    let sizes = [20, 24, 42].map(|k| u64::from(word(head, k).unwrap_or(0)));
    let further = head.get(46 + name..46 + name + extra).ok_or_else(damaged)?;
    let [_, size, local] = large(sizes, further).map(|n| usize::try_from(n).unwrap_or(usize::MAX));
    let own = bytes.get(local..).filter(|rest| rest.starts_with(b"PK\x03\x04")).ok_or_else(damaged)?;
    let skipped = half(own, 26).zip(half(own, 28)).ok_or_else(damaged)?;
    let data = own.get(30 + usize::from(skipped.0) + usize::from(skipped.1)..).and_then(|rest| rest.get(..size));
    let data = data.ok_or_else(|| Error::broken(format, format!("{text} in it ends too soon")));
    Ok(((text, data), at + 46 + name + extra + comment))
}

/// The compressed size, the size and the place, of which each that says 0xffffffff is in the extra field 1.
fn large(short: [u64; 3], extra: &[u8]) -> [u64; 3] {
    let mut rest = extra;
    while let (Some(kind), Some(length)) = (half(rest, 0), half(rest, 2)) {
        let Some(field) = rest.get(4..4 + usize::from(length)) else { break };
        if kind == 1 {
            // The size comes first here.
            let mut numbers = field.as_chunks::<8>().0.iter().map(|b| u64::from_le_bytes(*b));
            let mut take = |short: u64| if short == 0xffff_ffff { numbers.next().unwrap_or(short) } else { short };
            let (size, packed) = (take(short[1]), take(short[0]));
            return [packed, size, take(short[2])];
        }
        rest = &rest[4 + usize::from(length)..];
    }
    short
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

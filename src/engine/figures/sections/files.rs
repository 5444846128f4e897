//! The files that a visitor can keep, byte by byte.

use crate::engine::message::{Bytes, Step};
use crate::{SIDE, attack::Phase, decimal::Decimal};

/// A PNG of 28×28 grey levels, uncompressed (PNG specification, 3rd edition; RFC 1950 and 1951).
pub(super) fn png(levels: &[u8]) -> Bytes {
    // Each row after the number of its filter: none.
    let rows: Vec<u8> = levels.chunks(SIDE).flat_map(|row| [&[0], row].concat()).collect();
    let size = rows.len() as u16;
    let stored = [&[0x78, 1, 1], &size.to_le_bytes()[..], &(!size).to_le_bytes(), &rows, &adler32(&rows).to_be_bytes()];
    let side = (SIDE as u32).to_be_bytes();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut file, b"IHDR", &[&side[..], &side, &[8, 0, 0, 0, 0]].concat());
    chunk(&mut file, b"IDAT", &stored.concat());
    chunk(&mut file, b"IEND", &[]);
    Bytes(file)
}

fn chunk(file: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
    file.extend((data.len() as u32).to_be_bytes());
    let begins = file.len();
    file.extend(name);
    file.extend(data);
    file.extend(crc32(&file[begins..]).to_be_bytes());
}

/// The checksum of a PNG's chunk (PNG specification, annex D).
fn crc32(bytes: &[u8]) -> u32 {
    let byte = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    };
    !bytes.iter().fold(!0, byte)
}

/// The checksum of zlib's data (RFC 1950, section 9).
fn adler32(bytes: &[u8]) -> u32 {
    let (a, b) = bytes.iter().fold((1, 0), |(a, b), &byte| {
        let a = (a + u32::from(byte)) % 65521;
        (a, (b + a) % 65521)
    });
    b << 16 | a
}

/// 28×28 floats as NumPy's `np.load` reads them (npy format, version 1.0).
pub(super) fn npy(values: &[f32]) -> Bytes {
    // Magic, version and the header's length, then the header; 128 bytes together.
    let mut file = b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (28, 28), }".to_vec();
    file.resize(127, b' ');
    file.push(b'\n');
    file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    Bytes(file)
}

/// A search, one evaluation a row.
pub(super) fn csv(steps: &[Step]) -> Bytes {
    let mut text = String::from("evaluation,phase,c,loss,objective,norm,margin,c_succeeds,c_fails\n");
    for step in steps {
        text.push_str(&step.evaluations.to_string());
        text.push(',');
        text.push_str(match step.phase {
            Phase::Bracket => "bracket",
            Phase::Root => "root",
            Phase::Boundary => "boundary",
            Phase::Scale => "scale",
        });
        let numbers = [step.c, step.loss, step.objective, step.norm, step.margin].map(Some);
        for number in numbers.into_iter().chain([step.succeeds, step.fails]) {
            text.push(',');
            text.extend(number.map(|number| Decimal(number).to_string()));
        }
        text.push('\n');
    }
    Bytes(text.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksums_are_those_of_the_standards() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926, "the check value of CRC-32");
        assert_eq!(crc32(b"IEND"), 0xae42_6082, "as in every PNG");
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398, "the example of its article");
    }

    #[test]
    fn a_picture_holds_every_level_in_one_stored_block() {
        let levels: Vec<u8> = (0..784).map(|k| (k % 256) as u8).collect();
        let Bytes(file) = png(&levels);
        assert_eq!(&file[..16], b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
        assert_eq!(file[16..29], [0, 0, 0, 28, 0, 0, 0, 28, 8, 0, 0, 0, 0]);
        let data = &file[41..41 + 7 + 28 * 29 + 4];
        assert_eq!((&file[33..37], &file[37..41]), (&(data.len() as u32).to_be_bytes()[..], &b"IDAT"[..]));
        let sizes = [u16::from_le_bytes([data[3], data[4]]), u16::from_le_bytes([data[5], data[6]])];
        assert_eq!((data[2], sizes), (1, [28 * 29, !(28 * 29)]), "one last block, stored");
        let rows: Vec<u8> = data[7..7 + 28 * 29].chunks(29).flat_map(|row| row[1..].to_vec()).collect();
        assert_eq!(rows, levels);
        assert!(file.ends_with(b"IEND\xae\x42\x60\x82"));
    }

    #[test]
    fn an_npy_file_has_a_header_of_128_bytes_and_then_the_values() {
        let Bytes(file) = npy(&[0.25; 784]);
        assert_eq!(file.len(), 128 + 4 * 784);
        assert_eq!(file[..10], *b"\x93NUMPY\x01\x00\x76\x00");
        let header = std::str::from_utf8(&file[10..128]).unwrap();
        assert_eq!(header.trim_end(), "{'descr': '<f4', 'fortran_order': False, 'shape': (28, 28), }");
        assert!(header.ends_with('\n'));
        assert!(file[128..].chunks(4).all(|value| value == 0.25f32.to_le_bytes()));
    }

    #[test]
    fn a_table_has_a_row_for_each_evaluation_and_gaps_where_nothing_is_known() {
        let step = Step {
            evaluations: 3,
            phase: Phase::Root,
            loss: 0.5,
            norm: 2.0,
            margin: -1.25,
            c: 1e-7,
            objective: 0.5,
            succeeds: Some(0.125),
            fails: None,
        };
        let text = String::from_utf8(csv(&[step]).0).unwrap();
        let expected = "evaluation,phase,c,loss,objective,norm,margin,c_succeeds,c_fails\n\
                        3,root,1e-7,0.5,0.5,2,-1.25,0.125,\n";
        assert_eq!(text, expected);
    }
}

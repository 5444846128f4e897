//! Files of pen strokes: made-up ones, read by the library and through `pockets strokes`.
#![cfg(feature = "lab")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

mod support;

use pockets::{
    digit::{Brush, Point},
    network::Network,
    pen::{self, Drawing, score::Score},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

const NETWORK: &str = "www/networks/FC100-100-10.safetensors";

/// A folder with one file in it.
fn folder(name: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), name, text);
    (folder, path)
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}

/// Every stroke's points.
fn points(drawing: &Drawing) -> Vec<Vec<[f32; 2]>> {
    let point = |p: &Point| [p.x, p.y].map(|v| (v * 10.0).round() / 10.0);
    drawing.strokes.iter().map(|stroke| stroke.iter().map(point).collect()).collect()
}

/// A one: from top to bottom, as the UCI set has it, whose y grows upwards.
const PENDIGITS: &str = r#".VERSION 1.0
.INCLUDE dene.doc
.COORD X Y
.HIERARCHY DIGIT
.SEGMENT DIGIT 0 ? "1"
.COMMENT 1 12 224
.DT 100
.PEN_DOWN
 250  400
 250  300
.PEN_UP
.DT 151
.SEGMENT DIGIT 1-2 ? "7"
.COMMENT 7 13 225
.PEN_DOWN
100 200
200 200
150 100
.PEN_UP
.DT 90
.PEN_DOWN
120 150
180 150
.PEN_UP
.DT 151
"#;

#[test]
fn the_uci_sets_original_form_is_read_with_its_writers_upright_and_centred() {
    let (_folder, path) = folder("pendigits-orig.tra", PENDIGITS);
    let drawings = pen::read(&path).unwrap();
    let who: Vec<_> = drawings.iter().map(|d| (d.set.as_str(), d.writer.as_str(), d.digit)).collect();
    assert_eq!(who, [("pendigits-orig.tra", "12", 1), ("pendigits-orig.tra", "13", 7)]);
    // 200 of 280 from top to bottom, in the middle.
    assert_eq!(points(&drawings[0]), [[[140.0, 40.0], [140.0, 240.0]]]);
    let seven = [vec![[40.0, 40.0], [240.0, 40.0], [140.0, 240.0]], vec![[80.0, 140.0], [200.0, 140.0]]];
    assert_eq!(points(&drawings[1]), seven);
}

#[test]
fn a_unipen_segment_takes_its_components_from_the_file_that_is_included() {
    let folder = tempfile::tempdir().unwrap();
    let ink = ".WRITER_ID anne\n.COORD T X Y P\n.PEN_DOWN\n1 0 0 9\n2 0 100 9\n.PEN_UP\n3 50 50 0\n4 60 60 0\n.PEN_DOWN\n\
               5 0 50 9\n6 10 50 9\n7 50 50 9\n8 100 50 9\n.PEN_UP\n.PEN_DOWN\n9 500 0 9\n9 600 0 9\n9 600 200 9\n";
    write(folder.path(), "CDROM/include/aga/data/aga01.dat", ink);
    // A pen-up with points is a component (1), one without is none: the last pen-down is component 3.
    let digits = ".INCLUDE aga/data/aga01.dat\n.SEGMENT CHARACTER 0-2 OK \"4\"\n.SEGMENT CHARACTER 0,2:1-2:2 ? \"5\"\n\
                  .SEGMENT CHARACTER 3 ? \"L\"\n.SEGMENT WORD 0-3 ? \"4\"\n.SEGMENT CHARACTER 3 ? \"1\"\n";
    write(folder.path(), "CDROM/data/1a/aga/aga01.dat", digits);
    let drawings = pen::read(&folder.path().join("CDROM")).unwrap();
    let who: Vec<_> = drawings.iter().map(|d| (d.set.as_str(), d.writer.as_str(), d.digit)).collect();
    assert_eq!(who, [("unipen/aga", "anne", 4), ("unipen/aga", "anne", 5), ("unipen/aga", "anne", 1)]);
    let upright = vec![[40.0, 240.0], [40.0, 40.0]];
    let across = vec![[40.0, 140.0], [60.0, 140.0], [140.0, 140.0], [240.0, 140.0]];
    assert_eq!(points(&drawings[0]), [upright, across]);
    // Half as wide as tall, so that it lies in the middle; of the second stroke points 1 and 2.
    assert_eq!(points(&drawings[1]), [vec![[90.0, 240.0], [90.0, 40.0]], vec![[110.0, 140.0], [190.0, 140.0]]]);
    assert_eq!(points(&drawings[2]), [[[90.0, 240.0], [190.0, 240.0], [190.0, 40.0]]]);
}

#[test]
fn a_line_that_is_not_what_it_should_be_is_refused_by_its_number() {
    let line = r#"{"set":"s","writer":"w","digit":1,"strokes":[[140,40,140,240]]}"#;
    for (name, text, number, expected) in [
        ("a.jsonl", format!("{line}\n\n{}", line.replace("\"digit\":1", "\"digit\":10")), 3, "from 0 to 9"),
        ("a.jsonl", line.replace(",240", ""), 1, "a stroke has 3 numbers"),
        ("a.jsonl", line.replace("[140,40,140,240]", ""), 1, "no point in any stroke"),
        ("a.jsonl", line.replace("writer", "author"), 1, "unknown field `author`"),
        ("a.jsonl", line.replace("[[", "[[null,"), 1, "expected"),
        ("a.dat", PENDIGITS.replace(" 250  300", " 250  oops"), 10, "expected the numbers of one point"),
        ("a.dat", PENDIGITS.replace("X Y", "T P"), 3, "expected X and Y"),
        ("a.dat", PENDIGITS.replace("1-2 ?", "2-1 ?"), 13, "expected some like 0, 3-4"),
        ("a.dat", format!("{PENDIGITS}.INCLUDE b/c.dat\n"), 26, "b/c.dat"),
        ("a.dat", format!("{PENDIGITS}.INCLUDE a.dat\n"), 26, "include one another more than 8 deep"),
    ] {
        let (_folder, path) = folder(name, &text);
        let refused = pen::read(&path).unwrap_err().to_string();
        assert!(refused.contains(&format!("{name}, line {number}: ")) && refused.contains(expected), "{refused}");
    }
}

#[test]
fn a_missing_file_and_a_folder_without_strokes_are_refused_by_name() {
    let (folder, path) = folder("notes.txt", "nothing");
    for path in [folder.path().to_path_buf(), folder.path().join("none.tra")] {
        let refused = pen::read(&path).unwrap_err().to_string();
        assert!(refused.starts_with(path.to_str().unwrap()), "{refused}");
    }
    // Named itself, a text without a segment is read and has no digit.
    assert!(pen::read(&path).unwrap_err().to_string().contains("has no digit"));
}

fn strokes(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pockets"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).arg("strokes").args(arguments).output().unwrap()
}

/// A 1, a 0 and what is meant as a 1 and drawn as a 0, of two writers, as lines of JSON.
fn three() -> String {
    let circle: Vec<String> = (0..=24)
        .map(|k| std::f32::consts::TAU * k as f32 / 24.0)
        .map(|angle| format!("{:.1},{:.1}", 140.0 + 70.0 * angle.sin(), 140.0 - 100.0 * angle.cos()))
        .collect();
    let circle = circle.join(",");
    format!(
        "{{\"set\":\"s\",\"writer\":\"a&b\",\"digit\":1,\"strokes\":[[140,40,140,240]]}}\n\
         {{\"set\":\"s\",\"writer\":\"c\",\"digit\":0,\"strokes\":[[{circle}]]}}\n\
         {{\"set\":\"s\",\"writer\":\"a&b\",\"digit\":1,\"strokes\":[[{circle}]]}}\n"
    )
}

#[test]
fn the_command_says_how_a_network_does_by_set_digit_and_writer_and_draws_what_it_missed() {
    let (folder, path) = folder("three.jsonl", &three());
    let sheet = folder.path().join("missed.svg");
    let output = strokes(&[path.to_str().unwrap(), "--sheet", sheet.to_str().unwrap()]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for expected in [
        "FC100-100-10 classifies 2 of 3 drawings as meant, 66.67 %, of 2 writers and 2 different digits",
        "s                            3   66.67 %",
        "    0         1  100.00 %",
        "    1         2   50.00 %   0 ×1",
        "writers of fewer digits: 2, 3 drawings together, 66.67 %",
        "1 missed, drawn in",
    ] {
        assert!(said.contains(expected), "{expected} is not in\n{said}");
    }
    let svg = fs::read_to_string(sheet).unwrap();
    assert_eq!((svg.matches("<path").count(), svg.matches("1 as 0 · a&amp;b").count()), (1, 1), "{svg}");
}

#[test]
fn the_command_lists_writers_of_twenty_digits_or_more_worst_first() {
    let lines = three();
    let lines: Vec<&str> = lines.lines().collect();
    // Twenty digits each: one writer is right half of the time, one in all but one, one always.
    let of = |writer: &str, right: usize| {
        let line = |k| if k < right { lines[0] } else { lines[2] };
        (0..20).map(|k| line(k).replace("a&b", writer) + "\n").collect::<String>()
    };
    let (_folder, path) = folder("many.jsonl", &[of("good", 19), of("bad", 10), of("best", 20)].concat());
    let said = String::from_utf8(strokes(&[path.to_str().unwrap()]).stdout).unwrap();
    let [bad, good] =
        ["s bad                                20   50.00 %", "s good                               20   95.00 %"]
            .map(|line| said.find(line).unwrap_or_else(|| panic!("{line} is not in\n{said}")));
    assert!(bad < good && said.contains("nothing missed of 1 of the 3 writers of 20 digits or more"), "{said}");
}

#[test]
fn the_command_refuses_in_a_sentence() {
    let (folder, path) = folder("three.jsonl", &three());
    let (path, nowhere) = (path.to_str().unwrap(), folder.path().join("none.safetensors"));
    for (arguments, expected) in [
        (vec!["none.jsonl"], "pockets: none.jsonl: "),
        (vec![path, "--network", nowhere.to_str().unwrap()], "none.safetensors: "),
        (vec![path, "--network", path], "three.jsonl: "),
        (vec![path, "--sheet", folder.path().to_str().unwrap()], "pockets: "),
    ] {
        let output = strokes(&arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(said.contains(expected) && !said.contains("panicked"), "{arguments:?}: {said}");
    }
    assert_eq!(strokes(&[]).status.code(), Some(2), "no file at all");
}

#[test]
fn a_score_counts_every_drawing_once_in_each_table() {
    let (_folder, path) = folder("three.jsonl", &three());
    let drawings = pen::read(&path).unwrap();
    let network = Network::from_safetensors(&support::bytes(NETWORK)).unwrap();
    let score = Score::of(network, &drawings, Brush::default());
    assert_eq!(score.confusion.iter().flatten().sum::<usize>(), 3);
    assert_eq!(score.digits().iter().map(|share| share.right).sum::<usize>(), score.all.right);
    assert_eq!(score.writers.values().map(|share| share.drawings).sum::<usize>(), 3);
    assert_eq!(score.missed.iter().map(|missed| (missed.index, missed.taken_for)).collect::<Vec<_>>(), [(2, 0)]);
}

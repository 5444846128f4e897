//! What the page's Worker for other people's files does: reads a network that somebody has dropped ([`crate::import`]), and makes a file
//! of the project's own of it.

use crate::{
    PIXELS,
    idx::{Digits, IdxError},
    import::{self, Choices, Imported, Subject},
    wire::{Bytes, Service},
};
use serde::{Deserialize, Serialize};

/// Bytes of one digit: two pixels a byte, 16 levels, the first in the high half.
const PACKED: usize = PIXELS / 2;

/// What the page says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Message {
    /// MNIST digits that judge what files leave open.
    Digits {
        /// 392 bytes a digit.
        images: Bytes,
        /// One byte a digit.
        labels: Bytes,
    },
    /// Reads a network; answered at once.
    Read {
        /// The number of this message.
        id: u32,
        /// The file, and those that its weights are in.
        files: Vec<File>,
        /// What was chosen instead of what would be assumed.
        choices: Vec<Choice>,
    },
}

/// A file that was dropped.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct File {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub bytes: Bytes,
}

/// A choice of the visitor's.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Choice {
    /// What it is about.
    pub subject: Subject,
    /// One of the alternatives to what was assumed.
    pub value: String,
}

/// What the Worker says.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Reply {
    /// It can be sent files.
    Ready,
    /// A network was read.
    Read {
        /// Of the message.
        id: u32,
        /// A safetensors file, as the engine takes it.
        network: Bytes,
        /// What it is, and what was assumed.
        about: Imported,
    },
    /// A file was refused, or a message meant nothing.
    Failed {
        /// Of the message; 0 if it had none.
        id: u32,
        /// Why, in a sentence.
        message: String,
    },
}

/// The digits, and what there is to say.
pub struct Importer {
    digits: Option<Digits>,
    replies: Vec<Reply>,
}

impl Service for Importer {
    type Message = Message;
    type Reply = Reply;

    fn open(_: f64) -> Self {
        Importer { digits: None, replies: vec![Reply::Ready] }
    }

    fn receive(&mut self, message: Message) {
        match message {
            Message::Digits { images, labels } => match unpacked(&images.0, &labels.0) {
                Ok(digits) => self.digits = Some(digits),
                Err(error) => self.replies.push(Reply::Failed { id: 0, message: error.to_string() }),
            },
            Message::Read { id, files, choices } => {
                let files: Vec<(&str, &[u8])> = files.iter().map(|file| (&file.name[..], &file.bytes.0[..])).collect();
                let choices = Choices(choices.into_iter().map(|choice| (choice.subject, choice.value)).collect());
                self.replies.push(match import::read_with(&files, self.digits.as_ref(), &choices) {
                    Ok(about) => Reply::Read { id, network: Bytes(about.safetensors.clone()), about },
                    Err(error) => Reply::Failed { id, message: error.to_string() },
                });
            }
        }
    }

    fn run(&mut self, _: &dyn Fn() -> f64) {}

    fn take_replies(&mut self) -> Vec<Reply> {
        std::mem::take(&mut self.replies)
    }

    fn is_idle(&self) -> bool {
        true
    }

    fn misunderstood(id: Option<u32>, message: String) -> Option<Reply> {
        Some(Reply::Failed { id: id.unwrap_or_default(), message })
    }
}

/// Digits of 4 bits a pixel, as MNIST's own files would have them.
fn unpacked(images: &[u8], labels: &[u8]) -> Result<Digits, IdxError> {
    let count = (images.len() / PACKED) as u32;
    let header = |magic: u32, sizes: &[u32]| -> Vec<u8> {
        [&[magic], sizes].concat().iter().flat_map(|number| number.to_be_bytes()).collect()
    };
    let levels = images.iter().flat_map(|byte| [17 * (byte >> 4), 17 * (byte & 15)]);
    let pixels: Vec<u8> = header(0x803, &[count, 28, 28]).into_iter().chain(levels).collect();
    let labels = [header(0x801, &[labels.len() as u32]), labels.to_vec()].concat();
    Digits::parse(&pixels, &labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Network;
    use std::{fs, path::Path};

    fn file(path: &str) -> Vec<u8> {
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
    }

    fn read(importer: &mut Importer, names: &[&str], choices: Vec<Choice>) -> Reply {
        let files = names
            .iter()
            .map(|name| File { name: (*name).into(), bytes: Bytes(file(&format!("tests/fixtures/imports/{name}"))) })
            .collect();
        importer.receive(Message::Read { id: 7, files, choices });
        importer.take_replies().pop().unwrap()
    }

    /// One that has the page's digits.
    fn importer() -> Importer {
        let mut importer = Importer::open(8.0);
        assert!(matches!(importer.take_replies()[..], [Reply::Ready]));
        let [images, labels] =
            ["test-1000.bin", "test-1000-labels.bin"].map(|name| Bytes(file(&format!("www/digits/{name}"))));
        importer.receive(Message::Digits { images, labels });
        assert!(importer.take_replies().is_empty());
        importer
    }

    #[test]
    fn the_pages_digits_are_those_that_its_first_network_knows() {
        let importer = importer();
        let network = Network::from_safetensors(&file("www/networks/FC100-100-10.safetensors")).unwrap();
        let digits = importer.digits.unwrap();
        let right = digits.iter().filter(|(image, label)| crate::network::label(&network.logits(image)) == *label);
        assert!(digits.len() == 1000 && right.count() > 950);
    }

    #[test]
    fn a_network_that_was_read_is_one_for_the_engine_and_a_choice_changes_it() {
        let mut importer = importer();
        let Reply::Read { id: 7, network, about } = read(&mut importer, &["plain.pth"], vec![]) else { panic!() };
        assert!(Network::from_safetensors(&network.0).is_ok());
        let assumed = about.assumptions.iter().find(|each| each.subject == Subject::Activation).unwrap();
        let value = assumed.alternatives.iter().map(|each| &each.value).find(|value| **value != assumed.taken).unwrap();
        let choice = Choice { subject: Subject::Activation, value: value.clone() };
        let Reply::Read { network: other, .. } = read(&mut importer, &["plain.pth"], vec![choice]) else { panic!() };
        assert_ne!(network, other);
    }

    #[test]
    fn weights_may_lie_in_a_file_beside_it() {
        let together = ["last.onnx", "last.onnx.data"];
        assert!(matches!(read(&mut importer(), &together, vec![]), Reply::Read { .. }));
        let Reply::Failed { id: 7, message } = read(&mut importer(), &together[..1], vec![]) else { panic!() };
        assert!(message.contains("last.onnx.data"), "{message}");
    }

    #[test]
    fn a_file_that_is_no_network_is_refused_in_a_sentence() {
        let mut importer = importer();
        let files = vec![File { name: "notes.txt".into(), bytes: Bytes(b"hello".to_vec()) }];
        importer.receive(Message::Read { id: 9, files, choices: vec![] });
        let Some(Reply::Failed { id: 9, message }) = importer.take_replies().pop() else { panic!() };
        assert!(message.contains("notes.txt"), "{message}");
    }
}

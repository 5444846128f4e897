//! What a page's Worker does: an [`Engine`] answers, and beside it a [`Painter`] colours the pictures of its answers.
//!
//! Pixels travel in the message of the numbers that they belong to, so that a page can put both on screen at once. The engine knows
//! no colours. Each question comes with the palette that its pictures are to be painted in. When the colours change, the page sends
//! back the pictures that it shows, and no search is needed.

use crate::{
    engine::{
        Engine,
        message::{Request, Response},
    },
    picture::{Palette, Picture, Pixels},
    wire::Service,
};
use serde::{Deserialize, Serialize};

/// What the page says.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Message {
    /// Something for the engine.
    Engine {
        /// What.
        request: Request,
        /// The colours of the pictures in its answers; without any they come without pixels.
        palette: Option<Palette>,
    },
    /// Paints pictures; answered at once.
    Paint {
        /// The number of this message.
        id: u32,
        /// The colours.
        palette: Palette,
        /// The pictures.
        pictures: Vec<Picture>,
    },
}

/// What the Worker says.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
#[allow(clippy::large_enum_variant, reason = "there are few at a time")]
pub enum Reply {
    /// What the engine says.
    Engine {
        /// What.
        response: Response,
        /// The pixels of an answer's pictures, in their order; none where there is no picture, or no colour for it.
        pixels: Vec<Option<Pixels>>,
    },
    /// The answer to [`Message::Paint`].
    Painted {
        /// The number of that message.
        id: u32,
        /// In the order of its pictures; none where a colour is missing.
        pixels: Vec<Option<Pixels>>,
    },
}

/// An engine, and the painter of its answers.
pub struct Studio {
    engine: Engine,
    painter: Painter,
    replies: Vec<Reply>,
}

/// Knows the colours of the questions that are not over yet.
#[derive(Default)]
pub struct Painter {
    palettes: Vec<(u32, Palette)>,
}

impl Service for Studio {
    type Message = Message;
    type Reply = Reply;

    fn open(slice: f64) -> Self {
        let ready = Reply::Engine { response: Response::Ready, pixels: Vec::new() };
        Studio { engine: Engine::new(slice), painter: Painter::default(), replies: vec![ready] }
    }

    fn receive(&mut self, message: Message) {
        match message {
            Message::Engine { request, palette } => {
                self.painter.note(&request, palette);
                self.engine.receive(request);
                self.pass_on();
            }
            Message::Paint { id, palette, pictures } => {
                let pixels = pictures.iter().map(|picture| palette.paint(picture)).collect();
                self.replies.push(Reply::Painted { id, pixels });
            }
        }
    }

    fn run(&mut self, clock: &dyn Fn() -> f64) {
        self.engine.run(clock);
        self.pass_on();
    }

    fn take_replies(&mut self) -> Vec<Reply> {
        std::mem::take(&mut self.replies)
    }

    fn is_idle(&self) -> bool {
        self.engine.is_idle()
    }

    fn misunderstood(id: Option<u32>, message: String) -> Option<Reply> {
        Some(Reply::Engine { response: Response::Failed { id: id?, message }, pixels: Vec::new() })
    }
}

impl Studio {
    fn pass_on(&mut self) {
        for response in self.engine.take_responses() {
            let pixels = self.painter.paint(&response);
            self.replies.push(Reply::Engine { response, pixels });
        }
    }
}

impl Painter {
    /// Keeps the colours of a question.
    fn note(&mut self, request: &Request, palette: Option<Palette>) {
        if let (Request::Ask { id, .. }, Some(palette)) = (request, palette) {
            self.palettes.push((*id, palette));
        }
    }

    /// The pixels of an answer's pictures; with the last answer to a question its colours are forgotten.
    fn paint(&mut self, response: &Response) -> Vec<Option<Pixels>> {
        let (id, last, pictures) = match response {
            Response::Answer { id, last, pictures, .. } => (id, *last, &pictures[..]),
            Response::Failed { id, .. } | Response::Superseded { id } => (id, true, [].as_slice()),
            _ => return Vec::new(),
        };
        let Some(place) = self.palettes.iter().position(|(of, _)| of == id) else { return Vec::new() };
        let palette = &self.palettes[place].1;
        let pixels = pictures.iter().map(|picture| palette.paint(picture.as_ref()?)).collect();
        if last {
            self.palettes.swap_remove(place);
        }
        pixels
    }
}

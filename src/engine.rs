//! Questions in, answers and pictures out: all that the page shows, as a function of data and of a clock.
//!
//! [`message`] is what the page and the engine say to each other. Nothing here knows of a browser: `web` carries the messages, and
//! native tests drive the same engine.
//!
//! ```text
//! Request ─► receive ─► Schedule ─► figures (one future a question) ─► Gallery ─► Response
//!                       (channels)   │  rest, tell, paint              (pixels)
//!                                    ▼
//!                                  Stock (networks, their searches, digits)
//! ```

mod figures;
#[cfg_attr(not(feature = "sections"), allow(dead_code, reason = "sections use it too"))]
mod gallery;
pub mod message;
mod schedule;
#[cfg_attr(not(feature = "sections"), allow(dead_code, reason = "sections use it too"))]
mod stock;
mod work;

pub use gallery::{mix, signed_limit};

use gallery::Gallery;
use message::{Facts, Request, Response};
use schedule::{Schedule, Task};
use std::rc::Rc;
use stock::Stock;
use work::Work;

/// Work that answers nothing for longer gives a sign of life this often, in milliseconds.
const HEARTBEAT: f64 = 500.0;

/// Takes requests at any time, and works on them a slice at a time.
pub struct Engine {
    slice: f64,
    stock: Rc<Stock>,
    schedule: Schedule,
    output: Output,
    /// When it was last heard of, as long as it works.
    heard: Option<f64>,
}

/// What is to be said, and what the surfaces show.
#[derive(Default)]
struct Output {
    responses: Vec<Response>,
    gallery: Gallery,
}

impl Engine {
    /// An engine that works for `slice` milliseconds in one [`Engine::run`].
    pub fn new(slice: f64) -> Self {
        Engine { slice, stock: Rc::default(), schedule: Schedule::default(), output: Output::default(), heard: None }
    }

    /// Takes a request. All but a question has its effect at once.
    pub fn receive(&mut self, request: Request) {
        let Output { responses, gallery } = &mut self.output;
        match request {
            Request::Load { id, key, bytes } => responses.push(match self.stock.load(key, &bytes.0) {
                Ok(network) => Response::Loaded { id, network },
                // A build that reads less than the larger one leaves the reason to that, too.
                Err(_) if cfg!(not(feature = "sequential")) => Response::Outgrown { id },
                Err(error) => Response::Failed { id, message: error.to_string() },
            }),
            Request::Digits { bytes } => self.stock.take_digits(bytes.0),
            Request::Ask { id, channel, follows, question } => {
                let work = Rc::new(Work::new(self.stock.clone()));
                let figure = Box::pin(figures::answer(work.clone(), question));
                self.schedule.ask(channel, follows, Task::new(id, work, figure), responses);
            }
            Request::Cancel { channel } => self.schedule.cancel(&channel, responses),
            Request::Palette { view, palette } => gallery.set_palette(&view, palette, responses),
            Request::Surface { surface } => gallery.show_again(&surface, responses),
            Request::Empty { surface } => gallery.show(0, &surface, gallery::Picture::Empty, responses),
            Request::Leave { view } => gallery.leave(&view),
        }
    }

    /// Works until nothing is left to do, or a slice of milliseconds has passed on the clock.
    pub fn run(&mut self, clock: &dyn Fn() -> f64) {
        let said = self.output.responses.len();
        let heard = *self.heard.get_or_insert_with(clock);
        let now = self.schedule.run(self.slice, clock, &mut self.output);
        if self.is_idle() {
            self.heard = None;
        } else if self.output.responses.len() > said {
            self.heard = Some(now);
        } else if now - heard >= HEARTBEAT {
            self.heard = Some(now);
            self.output.responses.push(Response::Alive);
        }
    }

    /// What there is to say since the last call, in order.
    pub fn take_responses(&mut self) -> Vec<Response> {
        std::mem::take(&mut self.output.responses)
    }

    /// Whether nothing is left to do; what is left to say does not count.
    pub fn is_idle(&self) -> bool {
        self.schedule.is_idle()
    }
}

impl Output {
    /// An answer, and before it what it paints.
    fn answer(&mut self, id: u32, last: bool, answer: message::Answer, work: &Work) {
        for (surface, picture) in work.take_pictures() {
            self.gallery.show(id, &surface, picture, &mut self.responses);
        }
        self.responses.push(Response::Answer { id, last, answer });
    }
}

impl Facts {
    /// What `network` is.
    pub fn of(network: &crate::network::Network) -> Self {
        let layers = network.mlp().map_or(&[][..], |mlp| mlp.layers());
        let widths = layers.iter().take(1).map(|l| l.inputs).chain(layers.iter().map(|l| l.outputs));
        Facts { name: network.name().into(), widths: widths.map(|width| width as u32).collect() }
    }
}

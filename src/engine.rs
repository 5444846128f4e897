//! Questions in, answers and pictures out: all that the page shows, as a function of data and of a clock. Pictures are values; how
//! they are coloured is the business of [`crate::studio`].
//!
//! [`message`] is what the page and the engine say to each other. Nothing here knows of a browser: `web` carries the messages, and
//! native tests drive the same engine.
//!
//! ```text
//! Request ─► receive ─► Schedule ─► figures (one future a question) ─► Response
//!                       (channels)   │  rest, show, tell
//!                                    ▼
//!                                  Stock (networks, their searches, digits)
//! ```

mod figures;
pub mod message;
mod schedule;
#[cfg_attr(not(feature = "sections"), allow(dead_code, reason = "sections use it too"))]
mod stock;

use message::{Facts, Request, Response};
use schedule::{Schedule, Task, Work};
use std::rc::Rc;
use stock::Stock;

/// Work that answers nothing for longer gives a sign of life this often, in milliseconds.
const HEARTBEAT: f64 = 500.0;

/// Takes requests at any time, and works on them a slice at a time.
pub struct Engine {
    slice: f64,
    stock: Rc<Stock>,
    schedule: Schedule,
    responses: Vec<Response>,
    /// When it was last heard of, as long as it works.
    heard: Option<f64>,
}

impl Engine {
    /// An engine that works for `slice` milliseconds in one [`Engine::run`].
    pub fn new(slice: f64) -> Self {
        Engine { slice, stock: Rc::default(), schedule: Schedule::default(), responses: Vec::new(), heard: None }
    }

    /// Takes a request. All but a question has its effect at once.
    pub fn receive(&mut self, request: Request) {
        let responses = &mut self.responses;
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
        }
    }

    /// Works until nothing is left to do, or a slice of milliseconds has passed on the clock.
    pub fn run(&mut self, clock: &dyn Fn() -> f64) {
        let said = self.responses.len();
        let heard = *self.heard.get_or_insert_with(clock);
        let now = self.schedule.run(self.slice, clock, &mut self.responses);
        if self.is_idle() {
            self.heard = None;
        } else if self.responses.len() > said {
            self.heard = Some(now);
        } else if now - heard >= HEARTBEAT {
            self.heard = Some(now);
            self.responses.push(Response::Alive);
        }
    }

    /// What there is to say since the last call, in order.
    pub fn take_responses(&mut self) -> Vec<Response> {
        std::mem::take(&mut self.responses)
    }

    /// Whether nothing is left to do; what is left to say does not count.
    pub fn is_idle(&self) -> bool {
        self.schedule.is_idle()
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

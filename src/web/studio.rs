//! An engine and its painter, served.

use super::Service;
use crate::{
    engine::message::Response,
    studio::{Message, Reply, Studio},
};

impl Service for Studio {
    type Message = Message;
    type Reply = Reply;

    fn open(slice: f64) -> Self {
        Studio::new(slice)
    }

    fn receive(&mut self, message: Message) {
        Studio::receive(self, message);
    }

    fn run(&mut self, clock: &dyn Fn() -> f64) {
        Studio::run(self, clock);
    }

    fn take_replies(&mut self) -> Vec<Reply> {
        Studio::take_replies(self)
    }

    fn is_idle(&self) -> bool {
        Studio::is_idle(self)
    }

    fn misunderstood(id: Option<u32>, message: String) -> Option<Reply> {
        let response = Response::Failed { id: id?, message };
        Some(Reply::Engine { response, pixels: Vec::new() })
    }
}

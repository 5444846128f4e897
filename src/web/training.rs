//! A training session, served.

use super::Service;
use crate::feed::{
    Session,
    message::{Request, Response},
};

/// A session, how long it works at a time in milliseconds, and what it has to say.
pub(super) struct Training {
    session: Session,
    slice: f64,
    replies: Vec<Response>,
}

impl Service for Training {
    type Message = Request;
    type Reply = Response;

    fn open(slice: f64) -> Self {
        Training { session: Session::default(), slice, replies: vec![Response::Ready] }
    }

    fn receive(&mut self, request: Request) {
        self.replies.extend(self.session.handle(request));
    }

    fn run(&mut self, clock: &dyn Fn() -> f64) {
        self.replies.extend(self.session.work(clock, self.slice));
    }

    fn take_replies(&mut self) -> Vec<Response> {
        std::mem::take(&mut self.replies)
    }

    fn is_idle(&self) -> bool {
        !self.session.is_busy()
    }

    fn misunderstood(_: Option<u32>, message: String) -> Option<Response> {
        Some(Response::Failed { message })
    }
}

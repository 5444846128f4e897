//! What a figure works with: where it rests, says how far it has come, and leaves its pictures.

use super::{
    message::Answer,
    stock::{Loaded, Stock},
};
use crate::picture::Picture;
use std::{
    cell::{Cell, RefCell},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

/// One question's place to work.
pub(super) struct Work {
    pub(super) stock: Rc<Stock>,
    /// The slice is over: the next rest is the last moment to say something in it.
    pub(super) is_late: Cell<bool>,
    spent: Cell<f64>,
    part: RefCell<Option<Answer>>,
    pictures: RefCell<Vec<Option<Picture>>>,
}

impl Work {
    pub(super) fn new(stock: Rc<Stock>) -> Self {
        Work {
            stock,
            is_late: Cell::new(false),
            spent: Cell::new(0.0),
            part: RefCell::default(),
            pictures: RefCell::default(),
        }
    }

    /// Lets others have their turn. Whether this slice of time is over, so that what has come out so far should be told.
    pub(super) async fn rest(&self) -> bool {
        Rest(false).await;
        self.is_late.get()
    }

    /// A first part of the answer.
    pub(super) async fn tell(&self, part: Answer) {
        self.part.replace(Some(part));
        Rest(false).await;
    }

    /// The pictures that go with the next answer.
    pub(super) fn show(&self, pictures: Vec<Option<Picture>>) {
        self.pictures.replace(pictures);
    }

    /// The network that was loaded under `key`.
    #[inline(never)]
    pub(super) fn network(&self, key: &str) -> Result<Rc<Loaded>, String> {
        self.stock.network(key).ok_or_else(|| format!("The network {key} has not been loaded."))
    }

    /// Milliseconds of work until the last rest.
    pub(super) fn spent(&self) -> f64 {
        self.spent.get()
    }

    pub(super) fn add_spent(&self, milliseconds: f64) {
        self.spent.set(self.spent.get() + milliseconds);
    }

    pub(super) fn take_part(&self) -> Option<Answer> {
        self.part.take()
    }

    pub(super) fn take_pictures(&self) -> Vec<Option<Picture>> {
        self.pictures.take()
    }
}

/// Ready when it is asked for the second time.
struct Rest(bool);

impl Future for Rest {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

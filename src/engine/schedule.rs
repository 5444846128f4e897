//! Whose turn it is: channels, in each at most one question under way and one that waits, and slices of time. [`Work`] is what a
//! figure has of it: where it rests, says how far it has come, and leaves its pictures.

use super::{
    message::{Answer, Response},
    stock::{Loaded, Stock},
};
use crate::picture::Picture;
use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

/// What works out an answer, or says why there is none. To drop it is to cancel it.
pub(super) type Figure = Pin<Box<dyn Future<Output = Result<Answer, String>>>>;

/// A question.
pub(super) struct Task {
    id: u32,
    work: Rc<Work>,
    figure: Figure,
    /// It has given a first part of its answer.
    is_answered: bool,
}

/// Questions of which the newest counts.
struct Channel {
    name: String,
    current: Task,
    next: Option<Task>,
}

/// All channels that have something to do, the one whose turn it is first.
#[derive(Default)]
pub(super) struct Schedule {
    channels: VecDeque<Channel>,
}

/// What a task did in one go.
enum Said {
    Nothing,
    Part(Answer),
    Last(Result<Answer, String>),
}

impl Task {
    pub(super) fn new(id: u32, work: Rc<Work>, figure: Figure) -> Self {
        Task { id, work, figure, is_answered: false }
    }

    /// Works until the figure rests.
    fn go_on(&mut self, is_late: bool) -> Said {
        self.work.is_late.set(is_late);
        match self.figure.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => Said::Last(result),
            Poll::Pending => self.work.take_part().map_or(Said::Nothing, Said::Part),
        }
    }

    /// An answer, with the pictures that were left for it.
    fn answered(&self, answer: Answer, last: bool) -> Response {
        Response::Answer { id: self.id, last, answer, pictures: self.work.take_pictures() }
    }

    fn superseded(&self) -> Response {
        Response::Superseded { id: self.id }
    }
}

impl Schedule {
    /// Whether no question is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.channels.is_empty()
    }

    /// Takes the newest question of a channel.
    pub(super) fn ask(&mut self, name: String, follows: bool, task: Task, responses: &mut Vec<Response>) {
        let Some(channel) = self.channels.iter_mut().find(|channel| channel.name == name) else {
            return self.channels.push_back(Channel { name, current: task, next: None });
        };
        responses.extend(channel.next.take().map(|waiting| waiting.superseded()));
        if follows && !channel.current.is_answered {
            channel.next = Some(task);
        } else {
            responses.push(channel.current.superseded());
            channel.current = task;
        }
    }

    /// Ends what is under way or waits in a channel.
    pub(super) fn cancel(&mut self, name: &str, responses: &mut Vec<Response>) {
        let place = self.channels.iter().position(|channel| channel.name == name);
        if let Some(channel) = place.and_then(|place| self.channels.remove(place)) {
            responses.push(channel.current.superseded());
            responses.extend(channel.next.map(|waiting| waiting.superseded()));
        }
    }

    /// Works for `slice` milliseconds, or less where there is nothing left to do: on the first channel until it has ended a
    /// question, then on the next. Returns the time.
    pub(super) fn run(&mut self, slice: f64, clock: &dyn Fn() -> f64, responses: &mut Vec<Response>) -> f64 {
        let mut now = clock();
        let deadline = now + slice;
        while let Some(mut channel) = self.channels.pop_front() {
            let stays = loop {
                // Once more after the deadline: that is when a figure can say how far it has come.
                let is_late = now >= deadline;
                let said = channel.current.go_on(is_late);
                let before = std::mem::replace(&mut now, clock());
                channel.current.work.add_spent(now - before);
                match said {
                    Said::Nothing if is_late => break true,
                    Said::Nothing => {}
                    Said::Part(_) | Said::Last(_) => {
                        let is_over = channel.hear(said, responses);
                        if is_over || is_late {
                            break !is_over || channel.advance();
                        }
                    }
                }
            };
            if stays {
                self.channels.push_back(channel);
            }
            if now >= deadline {
                break;
            }
        }
        now
    }
}

impl Channel {
    /// Passes on what the current question has said; whether that was its last, or a newer one was waiting for it.
    fn hear(&mut self, said: Said, responses: &mut Vec<Response>) -> bool {
        let id = self.current.id;
        match said {
            Said::Nothing => return false,
            Said::Part(answer) => {
                responses.push(self.current.answered(answer, false));
                self.current.is_answered = true;
                if self.next.is_none() {
                    return false;
                }
                responses.push(self.current.superseded());
            }
            Said::Last(Ok(answer)) => responses.push(self.current.answered(answer, true)),
            Said::Last(Err(message)) => responses.push(Response::Failed { id, message }),
        }
        true
    }

    /// The waiting question is the current one; whether there is one.
    fn advance(&mut self) -> bool {
        self.next.take().map(|next| self.current = next).is_some()
    }
}

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

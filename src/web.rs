//! The inside of a Worker: carries messages between a page and its [`Service`], which is an engine with a painter, a trainer, or a reader of files.
//!
//! [`serve`] is all there is to it. Where no Worker can start, the page calls it on its own thread, with a shorter slice. Nothing is
//! caught here that would end a module: a trap, as after a panic or without memory, is an uncaught error in the Worker, whose page is
//! told so by the Worker's `error` event and starts another. [`Bench`] is for `cargo xtask bench` alone.

#[cfg(feature = "sections")]
mod bench;
pub(crate) mod request;

#[cfg(feature = "sections")]
pub use bench::Bench;

#[cfg(feature = "feed")]
use crate::feed::Session as Served;
#[cfg(all(feature = "import", not(feature = "feed")))]
use crate::importer::Importer as Served;
#[cfg(not(any(feature = "feed", feature = "import")))]
use crate::studio::Studio as Served;

use crate::wire::{Service, gathered};
use js_sys::Reflect;
use request::understood;
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};
use wasm_bindgen::prelude::*;
use web_sys::{MessageChannel, MessageEvent, MessagePort, console};

#[wasm_bindgen]
extern "C" {
    /// The clock: milliseconds, of a Worker and of a page alike.
    #[wasm_bindgen(js_namespace = performance)]
    fn now() -> f64;
}

/// Serves the page at the other end of `port`, working for at most `slice` milliseconds between two looks at what has arrived.
/// The first thing that it says is that it is ready.
///
/// # Errors
/// If the browser has no `MessageChannel`, or takes nothing at `port`.
#[wasm_bindgen]
pub fn serve(port: MessagePort, slice: f64) -> Result<(), JsValue> {
    let ticks = MessageChannel::new()?;
    let server = Rc::new(Server {
        service: RefCell::new(Served::open(slice)),
        port: port.clone(),
        tick: ticks.port2(),
        is_ticking: Cell::new(false),
    });
    server.pass_on();
    let ticked = server.clone();
    listen(&ticks.port1(), move |_| ticked.go_on());
    listen(&port, move |message| server.receive(&message.data()));
    Ok(())
}

/// For as long as the page or Worker lives.
fn listen(port: &MessagePort, heard: impl FnMut(MessageEvent) + 'static) {
    let heard = Closure::<dyn FnMut(MessageEvent)>::new(heard);
    port.set_onmessage(Some(heard.as_ref().unchecked_ref()));
    heard.forget();
}

/// A service and its page.
struct Server<S> {
    service: RefCell<S>,
    port: MessagePort,
    /// Work goes on when a message sent here arrives, after those from the page that wait already.
    tick: MessagePort,
    is_ticking: Cell<bool>,
}

impl<S: Service> Server<S> {
    fn receive(&self, message: &JsValue) {
        match understood(message) {
            Ok(message) => {
                self.service.borrow_mut().receive(message);
                self.pass_on();
            }
            Err(error) => {
                let sentence = format!("This was not understood: {error}.");
                match S::misunderstood(number_in(message), sentence.clone()) {
                    Some(reply) => warn_of(self.say(&reply)),
                    None => console::warn_1(&sentence.into()),
                }
            }
        }
    }

    /// Another slice of work.
    fn go_on(&self) {
        self.is_ticking.set(false);
        self.service.borrow_mut().run(&now);
        self.pass_on();
    }

    /// Says what there is to say, and sees to it that work goes on.
    fn pass_on(&self) {
        let (replies, is_idle) = {
            let mut service = self.service.borrow_mut();
            (service.take_replies(), service.is_idle())
        };
        let said = replies.iter().try_for_each(|reply| self.say(reply));
        warn_of(if is_idle || self.is_ticking.replace(true) {
            said
        } else {
            said.and(self.tick.post_message(&JsValue::NULL))
        });
    }

    /// Posts a reply, with its arrays handed over.
    fn say(&self, reply: &S::Reply) -> Result<(), JsValue> {
        let (message, buffers) = gathered(|| reply.serialize(&Serializer::new().serialize_missing_as_null(true)));
        self.port.post_message_with_transferable(&message?, &buffers)
    }
}

/// The `id` in a message, however deep it stands.
fn number_in(message: &JsValue) -> Option<u32> {
    let object = message.dyn_ref::<js_sys::Object>()?;
    if let Some(id) = Reflect::get(object, &"id".into()).ok()?.as_f64() {
        return Some(id as u32);
    }
    ["engine", "paint", "request", "load", "ask", "attack", "read"]
        .into_iter()
        .find_map(|name| number_in(&Reflect::get(object, &name.into()).ok()?))
}

/// What a browser refuses to do for us, where nobody waits for it.
fn warn_of(done: Result<(), JsValue>) {
    if let Err(error) = done {
        console::warn_1(&error);
    }
}

//! The Worker's inside: carries messages between a page and its [`Engine`], and paints the canvases that the page hands over.
//!
//! [`serve`] is all there is to it. Where no Worker can start, the page calls it on its own thread, with a shorter slice. Nothing is
//! caught here that would end a module: a trap, as after a panic or without memory, is an uncaught error in the Worker, whose page is
//! told so by the Worker's `error` event and starts another. [`Bench`] is for `cargo xtask bench` alone.

pub(crate) mod arrays;
#[cfg(feature = "sections")]
mod bench;
mod canvas;
pub(crate) mod request;

#[cfg(feature = "sections")]
pub use bench::Bench;

use crate::engine::{
    Engine,
    message::{Request, Response},
};
use canvas::Canvas;
use js_sys::Reflect;
use request::{Misunderstanding, understood};
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};
use wasm_bindgen::prelude::*;
use web_sys::{MessageChannel, MessageEvent, MessagePort, OffscreenCanvas, console};

#[wasm_bindgen]
extern "C" {
    /// The clock: milliseconds, of a Worker and of a page alike.
    #[wasm_bindgen(js_namespace = performance)]
    fn now() -> f64;
}

/// Serves the page at the other end of `port`, working for at most `slice` milliseconds between two looks at what has arrived.
/// The first thing that it says is [`Response::Ready`].
///
/// # Errors
/// If the browser has no `MessageChannel`, or takes nothing at `port`.
#[wasm_bindgen]
pub fn serve(port: MessagePort, slice: f64) -> Result<(), JsValue> {
    let ticks = MessageChannel::new()?;
    let server = Rc::new(Server {
        engine: RefCell::new(Engine::new(slice)),
        canvases: RefCell::default(),
        port: port.clone(),
        tick: ticks.port2(),
        is_ticking: Cell::new(false),
    });
    server.say(&Response::Ready)?;
    let ticked = server.clone();
    listen(&ticks.port1(), move |_| ticked.go_on());
    listen(&port, move |message| server.receive(message.data()));
    Ok(())
}

/// For as long as the page or Worker lives.
fn listen(port: &MessagePort, heard: impl FnMut(MessageEvent) + 'static) {
    let heard = Closure::<dyn FnMut(MessageEvent)>::new(heard);
    port.set_onmessage(Some(heard.as_ref().unchecked_ref()));
    heard.forget();
}

/// An engine and its page.
struct Server {
    engine: RefCell<Engine>,
    canvases: RefCell<Vec<(String, Canvas)>>,
    port: MessagePort,
    /// Work goes on when a message sent here arrives, after those from the page that wait already.
    tick: MessagePort,
    is_ticking: Cell<bool>,
}

impl Server {
    fn receive(&self, message: JsValue) {
        let canvas = taken_out(&message, "canvas");
        match understood::<Request>(&message) {
            Ok(request) => {
                self.note_canvases(&request, canvas);
                self.engine.borrow_mut().receive(request);
                self.pass_on();
            }
            Err(error) => self.refuse(&message, &error),
        }
    }

    /// Another slice of work.
    fn go_on(&self) {
        self.is_ticking.set(false);
        self.engine.borrow_mut().run(&now);
        self.pass_on();
    }

    /// Says what there is to say, and sees to it that work goes on.
    fn pass_on(&self) {
        let (responses, is_idle) = {
            let mut engine = self.engine.borrow_mut();
            (engine.take_responses(), engine.is_idle())
        };
        let said = responses.iter().try_for_each(|response| self.say(response));
        warn_of(if is_idle || self.is_ticking.replace(true) {
            said
        } else {
            said.and(self.tick.post_message(&JsValue::NULL))
        });
    }

    /// Posts a response, with its arrays handed over; or paints it.
    fn say(&self, response: &Response) -> Result<(), JsValue> {
        if let Response::Painted { surface, side, rgba, .. } = response
            && let Some((_, canvas)) = self.canvases.borrow().iter().find(|(name, _)| name == surface)
        {
            return canvas.paint(*side, &rgba.0);
        }
        let (message, buffers) =
            arrays::gathered(|| response.serialize(&Serializer::new().serialize_missing_as_null(true)));
        self.port.post_message_with_transferable(&message?, &buffers)
    }

    /// Canvases come with their surfaces and go with their views.
    fn note_canvases(&self, request: &Request, canvas: Option<JsValue>) {
        let mut canvases = self.canvases.borrow_mut();
        match request {
            Request::Surface { surface } => {
                canvases.retain(|(name, _)| name != surface);
                let canvas = canvas.and_then(|canvas| canvas.dyn_into::<OffscreenCanvas>().ok()).and_then(Canvas::new);
                canvases.extend(canvas.map(|canvas| (surface.clone(), canvas)));
            }
            Request::Leave { view } => {
                canvases.retain(|(name, _)| name.split_once('/').is_none_or(|(of, _)| of != view));
            }
            _ => {}
        }
    }

    /// A message that means nothing: whoever numbered it is told so, else whoever looks at the console.
    fn refuse(&self, message: &JsValue, error: &Misunderstanding) {
        let message_id = ["load", "ask"].into_iter().find_map(|name| {
            let request = Reflect::get(message, &name.into()).ok()?;
            Reflect::get(&request, &"id".into()).ok()?.as_f64()
        });
        let message = format!("This was not understood: {error}.");
        match message_id {
            Some(id) => warn_of(self.say(&Response::Failed { id: id as u32, message })),
            None => console::warn_1(&message.into()),
        }
    }
}

/// A property that is no part of the protocol.
fn taken_out(message: &JsValue, name: &str) -> Option<JsValue> {
    let object = message.dyn_ref::<js_sys::Object>()?;
    let value = Reflect::get(object, &name.into()).ok().filter(|value| !value.is_undefined())?;
    Reflect::delete_property(object, &name.into()).ok()?;
    Some(value)
}

/// What a browser refuses to do for us, where nobody waits for it.
fn warn_of(done: Result<(), JsValue>) {
    if let Err(error) = done {
        console::warn_1(&error);
    }
}

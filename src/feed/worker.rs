//! The trainer's Worker: messages in, slices of work, messages out. All that they mean is [`Session`]'s.

use super::{
    message::{Request, Response},
    session::Session,
};
use crate::web::{arrays, request::understood};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, MessageChannel, MessageEvent, MessagePort};

/// Milliseconds of work between two looks at the messages that have come in.
const SLICE: f64 = 24.0;

struct Shell {
    scope: DedicatedWorkerGlobalScope,
    session: RefCell<Session>,
    /// A message sent here comes back after those that the page has sent meanwhile.
    alarm: MessagePort,
    is_set: Cell<bool>,
}

/// Answers the page's requests from now on, in the Worker that this module was started in, and says `ready`.
#[wasm_bindgen(js_name = startTrainer)]
pub fn start_trainer() -> Result<(), JsValue> {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().dyn_into().map_err(|_| {
        JsValue::from(JsError::new("the trainer works in a dedicated Worker alone, so that the page stays free"))
    })?;
    let channel = MessageChannel::new()?;
    let shell = Rc::new(Shell {
        scope: scope.clone(),
        session: RefCell::new(Session::default()),
        alarm: channel.port2(),
        is_set: Cell::new(false),
    });
    let woken = shell.clone();
    let on_alarm = Closure::<dyn Fn()>::new(move || woken.work());
    channel.port1().set_onmessage(Some(on_alarm.as_ref().unchecked_ref()));
    let told = shell.clone();
    let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| told.handle(event.data()));
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    // They live as long as the Worker does.
    on_alarm.forget();
    on_message.forget();
    shell.say([Response::Ready]);
    Ok(())
}

impl Shell {
    fn handle(&self, message: JsValue) {
        match understood::<Request>(&message) {
            Ok(request) => {
                let said = self.session.borrow_mut().handle(request);
                self.say(said);
                self.set_alarm();
            }
            Err(error) => self.say([Response::Failed { message: format!("the trainer was sent no request: {error}") }]),
        }
    }

    fn work(&self) {
        self.is_set.set(false);
        let performance = self.scope.performance();
        let clock = || performance.as_ref().map_or_else(js_sys::Date::now, web_sys::Performance::now);
        let said = self.session.borrow_mut().work(clock, SLICE);
        self.say(said);
        self.set_alarm();
    }

    fn set_alarm(&self) {
        if self.session.borrow().is_busy()
            && !self.is_set.replace(true)
            && self.alarm.post_message(&JsValue::NULL).is_err()
        {
            self.is_set.set(false);
        }
    }

    fn say(&self, responses: impl IntoIterator<Item = Response>) {
        for response in responses {
            let (message, buffers) = arrays::gathered(|| serde_wasm_bindgen::to_value(&response));
            // Plain data can be sent; if ever not, the page's watchdog sees that nothing comes.
            let _ = message.map(|message| self.scope.post_message_with_transfer(&message, &buffers));
        }
    }
}

//! The engine's answers to attacks that a page has asked for, computed natively, to compare with the page's bit by bit.
//!
//! ```text
//! cargo run --example answers -- QUESTIONS.json
//! ```
//!
//! The file is a list of questions as they went to the engine (`attack` in `www/protocol.d.ts`), with plain lists in the place of
//! typed arrays. A line of JSON is printed for each: `state`, the bits of ‖r‖₂, x, r and x + r in hexadecimal, `limit`, between whose
//! negative and itself r is painted, and `evaluations`.

use pockets::engine::{
    Engine,
    message::{Answer, Attacked, Bytes, Question, Request, Response},
};
use serde_json::{Value, json};
use std::{error::Error, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("name the file of questions")?;
    let questions: Vec<Value> = serde_json::from_str(&fs::read_to_string(file)?)?;
    let mut engine = with_networks()?;
    for (question, id) in questions.into_iter().zip(1..) {
        let attacked = answer(&mut engine, id, serde_json::from_value(json!({ "attack": question }))?)?;
        let outcome = attacked.outcome.as_ref();
        let change = attacked.perturbation.as_ref();
        let bits = |values: &[f32]| values.iter().map(|value| format!("{:08x}", value.to_bits())).collect::<String>();
        println!(
            "{}",
            json!({
                "state": attacked.state, "norm": outcome.map(|outcome| bits(&[outcome.norm])),
                "x": attacked.digit.as_ref().map(|seen| bits(&seen.values.0)),
                "r": bits(change.map_or(&[], |change| &change.values.0)),
                "sum": attacked.adversarial.as_ref().map(|seen| bits(&seen.values.0)),
                "limit": change.map(|change| change.limit),
                "evaluations": outcome.map(|outcome| outcome.evaluations),
            })
        );
    }
    Ok(())
}

/// An engine that knows the shipped networks, by the names that the page calls them.
fn with_networks() -> Result<Engine, Box<dyn Error>> {
    let list: Vec<Value> = serde_json::from_str(&fs::read_to_string("www/networks/index.json")?)?;
    let mut engine = Engine::new(f64::INFINITY);
    for entry in &list {
        let (Some(name), Some(file)) = (entry["name"].as_str(), entry["file"].as_str()) else {
            return Err("a network has no name or no file".into());
        };
        let bytes = Bytes(fs::read(format!("www/networks/{file}"))?);
        engine.receive(Request::Load { id: 0, key: name.into(), bytes });
    }
    engine.take_responses();
    Ok(engine)
}

fn answer(engine: &mut Engine, id: u32, question: Question) -> Result<Attacked, Box<dyn Error>> {
    engine.receive(Request::Ask { id, channel: "answers".into(), follows: false, question });
    while !engine.is_idle() {
        engine.run(&|| 0.0);
    }
    for response in engine.take_responses() {
        match response {
            Response::Answer { last: true, answer: Answer::Attack(attacked), .. } => return Ok(attacked),
            Response::Failed { message, .. } => return Err(message.into()),
            _ => {}
        }
    }
    Err("there was no answer".into())
}

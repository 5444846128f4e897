//! Python's pickles, read as data: nothing in them is run.
//!
//! A pickle is a program for a small stack machine (Python's `pickletools`). What would call a function here only notes its name and its
//! arguments, as an [`Node::Object`]. All values lie in one list and refer to each other by their places in it, so that a pickle may
//! be as deep or as circular as it likes.

use std::collections::HashMap;

/// The place of a value in [`Pickle::nodes`].
pub(super) type Place = usize;

/// The most values that are read.
const MOST_NODES: usize = 2_000_000;

/// One value.
#[derive(Clone, Debug)]
pub(super) enum Node {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// A tuple, list or set.
    List(Vec<Place>),
    Dict(Vec<(Place, Place)>),
    /// A class or function, by its module and its name.
    Global(String),
    /// What a call would have made: the callee, its arguments, what was put into it, and its state.
    Object {
        class: Place,
        arguments: Place,
        items: Vec<(Place, Place)>,
        state: Option<Place>,
    },
    /// What is kept outside of the pickle, by its name there.
    Outside(Place),
}

/// All values, and the one that the pickle is of.
pub(super) struct Pickle {
    pub nodes: Vec<Node>,
    pub root: Place,
    /// How many bytes it took.
    pub length: usize,
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
    stack: Vec<Place>,
    marks: Vec<usize>,
    memo: HashMap<u32, Place>,
}

impl Pickle {
    /// Reads the pickle that `bytes` begin with; the error says what is wrong with it.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut machine =
            Machine { bytes, at: 0, nodes: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() };
        while machine.step()? {
            if machine.nodes.len() > MOST_NODES {
                return Err(format!("it has more than {MOST_NODES} values"));
            }
        }
        let root = machine.pop()?;
        Ok(Pickle { nodes: machine.nodes, root, length: machine.at })
    }

    pub fn node(&self, place: Place) -> &Node {
        &self.nodes[place]
    }

    pub fn text(&self, place: Place) -> Option<&str> {
        if let Node::Text(text) = self.node(place) { Some(text) } else { None }
    }

    pub fn int(&self, place: Place) -> Option<i64> {
        match self.node(place) {
            Node::Int(n) => Some(*n),
            Node::Bool(b) => Some(i64::from(*b)),
            _ => None,
        }
    }

    pub fn list(&self, place: Place) -> Option<&[Place]> {
        if let Node::List(list) = self.node(place) { Some(list) } else { None }
    }

    /// What a dictionary, or an object that is one, holds.
    pub fn entries(&self, place: Place) -> Option<&[(Place, Place)]> {
        match self.node(place) {
            Node::Dict(entries) => Some(entries),
            Node::Object { class, items, .. } if matches!(self.node(*class), Node::Global(name) if name.ends_with("OrderedDict")) => {
                Some(items)
            }
            _ => None,
        }
    }

    pub fn get(&self, place: Place, key: &str) -> Option<Place> {
        self.entries(place)?.iter().rev().find(|(k, _)| self.text(*k) == Some(key)).map(|(_, value)| *value)
    }

    /// An object's callee and arguments.
    pub fn call(&self, place: Place) -> Option<(&str, &[Place])> {
        let Node::Object { class, arguments, .. } = self.node(place) else { return None };
        Some((self.name(*class)?, self.list(*arguments).unwrap_or_default()))
    }

    /// An object's class and state.
    pub fn object(&self, place: Place) -> Option<(&str, Place)> {
        let Node::Object { class, state: Some(state), .. } = self.node(place) else { return None };
        Some((self.name(*class)?, *state))
    }

    /// A class's name. The older PyTorch keeps the source of a class outside, with the class second.
    fn name(&self, class: Place) -> Option<&str> {
        match self.node(class) {
            Node::Global(name) => Some(name),
            Node::Outside(described) => match self.node(*self.list(*described)?.get(1)?) {
                Node::Global(name) => Some(name),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Machine<'_> {
    /// One instruction; whether more follow.
    fn step(&mut self) -> Result<bool, String> {
        match self.byte()? {
            0x80 => {
                self.byte()?; // the protocol
            }
            0x95 => {
                self.take(8)?; // the length of a frame
            }
            b'.' => return Ok(false),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => {
                self.pop()?;
            }
            b'1' => {
                self.since_mark()?;
            }
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            b'N' => self.push(Node::None),
            0x88 => self.push(Node::Bool(true)),
            0x89 => self.push(Node::Bool(false)),
            code @ (b'K' | b'M' | b'J' | b'I' | b'L' | 0x8a | 0x8b | b'G' | b'F') => self.number(code)?,
            code @ (b'X' | 0x8c | 0x8d | b'V' | b'S' | b'U' | b'T' | b'B' | b'C' | 0x8e) => self.string(code)?,
            b')' | b']' | 0x8f => self.push(Node::List(Vec::new())),
            b'}' => self.push(Node::Dict(Vec::new())),
            b't' | b'l' | 0x91 => {
                let all = self.since_mark()?;
                self.push(Node::List(all));
            }
            b'd' => {
                let all = self.since_mark()?;
                self.push(Node::Dict(pairs(&all)));
            }
            code @ 0x85..=0x87 => {
                let from = self.stack.len().checked_sub(usize::from(code - 0x84)).ok_or("its stack is empty")?;
                let all = self.stack.split_off(from);
                self.push(Node::List(all));
            }
            b'a' => {
                let value = self.pop()?;
                self.append(vec![value])?;
            }
            b'e' | 0x90 => {
                let all = self.since_mark()?;
                self.append(all)?;
            }
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.set(vec![(key, value)])?;
            }
            b'u' => {
                let all = self.since_mark()?;
                self.set(pairs(&all))?;
            }
            code => self.object(code)?,
        }
        Ok(true)
    }

    /// Names, calls, states, and the memo.
    fn object(&mut self, code: u8) -> Result<(), String> {
        match code {
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(Node::Global(format!("{module}.{name}")));
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let text = |place: Place| match &self.nodes[place] {
                    Node::Text(text) => text.clone(),
                    _ => "?".into(),
                };
                let name = format!("{}.{}", text(module), text(name));
                self.push(Node::Global(name));
            }
            b'R' | 0x81 => {
                let arguments = self.pop()?;
                let class = self.pop()?;
                self.push(Node::Object { class, arguments, items: Vec::new(), state: None });
            }
            b'b' => {
                let own = self.pop()?;
                let top = self.top()?;
                if let Node::Object { state, .. } = &mut self.nodes[top] {
                    *state = Some(own);
                }
            }
            b'P' => {
                let line = self.line()?;
                let name = self.place(Node::Text(line));
                self.push(Node::Outside(name));
            }
            b'Q' => {
                let name = self.pop()?;
                self.push(Node::Outside(name));
            }
            b'q' | b'r' | b'p' | 0x94 => {
                let key = match code {
                    b'q' => u32::from(self.byte()?),
                    b'r' => self.word()?,
                    b'p' => self.line()?.parse().map_err(|_| "it has a name that is no number")?,
                    _ => self.memo.len() as u32,
                };
                let top = self.top()?;
                self.memo.insert(key, top);
            }
            b'h' | b'j' | b'g' => {
                let key = match code {
                    b'h' => u32::from(self.byte()?),
                    b'j' => self.word()?,
                    _ => self.line()?.parse().map_err(|_| "it has a name that is no number")?,
                };
                let place = *self.memo.get(&key).ok_or("it recalls what it has not kept")?;
                self.stack.push(place);
            }
            other => return Err(format!("it has an instruction ({other:#04x}) that is not known here")),
        }
        Ok(())
    }

    fn number(&mut self, code: u8) -> Result<(), String> {
        let node = match code {
            b'K' => Node::Int(self.byte()?.into()),
            b'M' => Node::Int(u16::from_le_bytes([self.byte()?, self.byte()?]).into()),
            b'J' => Node::Int((self.word()? as i32).into()),
            b'G' => Node::Float(f64::from_be_bytes(*self.take(8)?.first_chunk().ok_or("it ends too soon")?)),
            0x8a | 0x8b => {
                let length = if code == 0x8a { self.byte()?.into() } else { self.word()? as usize };
                let bytes = self.take(length)?;
                let mut whole = [bytes.last().map_or(0, |b| if b & 0x80 > 0 { 0xff } else { 0 }); 8];
                whole.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
                Node::Int(i64::from_le_bytes(whole))
            }
            _ => {
                let line = self.line()?;
                match (code, line.as_str()) {
                    (b'I', "01") => Node::Bool(true),
                    (b'I', "00") => Node::Bool(false),
                    (b'F', text) => Node::Float(text.parse().map_err(|_| "it has a number that is none")?),
                    (_, text) => {
                        Node::Int(text.trim_end_matches('L').parse().map_err(|_| "it has a number that is none")?)
                    }
                }
            }
        };
        self.push(node);
        Ok(())
    }

    fn string(&mut self, code: u8) -> Result<(), String> {
        let text = match code {
            b'V' => self.line()?,
            b'S' => self.line()?.trim_matches(['\'', '"']).to_owned(),
            _ => {
                let length = match code {
                    0x8c | b'U' | b'C' => usize::from(self.byte()?),
                    0x8d | 0x8e => {
                        usize::try_from(u64::from_le_bytes(*self.take(8)?.first_chunk().ok_or("it ends too soon")?))
                            .unwrap_or(usize::MAX)
                    }
                    _ => self.word()? as usize,
                };
                String::from_utf8_lossy(self.take(length)?).into_owned()
            }
        };
        self.push(Node::Text(text));
        Ok(())
    }

    fn append(&mut self, all: Vec<Place>) -> Result<(), String> {
        let top = self.top()?;
        if let Node::List(list) = &mut self.nodes[top] {
            list.extend(all);
        }
        Ok(())
    }

    fn set(&mut self, all: Vec<(Place, Place)>) -> Result<(), String> {
        let top = self.top()?;
        if let Node::Dict(items) | Node::Object { items, .. } = &mut self.nodes[top] {
            items.extend(all);
        }
        Ok(())
    }

    fn place(&mut self, node: Node) -> Place {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn push(&mut self, node: Node) {
        let place = self.place(node);
        self.stack.push(place);
    }

    fn pop(&mut self) -> Result<Place, String> {
        self.stack.pop().ok_or_else(|| "its stack is empty".into())
    }

    fn top(&self) -> Result<Place, String> {
        self.stack.last().copied().ok_or_else(|| "its stack is empty".into())
    }

    fn since_mark(&mut self) -> Result<Vec<Place>, String> {
        let mark = self.marks.pop().filter(|mark| *mark <= self.stack.len()).ok_or("it lacks a mark")?;
        Ok(self.stack.split_off(mark))
    }

    fn take(&mut self, count: usize) -> Result<&[u8], String> {
        let bytes = self.bytes.get(self.at..).and_then(|rest| rest.get(..count)).ok_or("it ends too soon")?;
        self.at += count;
        Ok(bytes)
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    fn word(&mut self) -> Result<u32, String> {
        Ok(u32::from_le_bytes(*self.take(4)?.first_chunk().ok_or("it ends too soon")?))
    }

    fn line(&mut self) -> Result<String, String> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|b| *b == b'\n').ok_or("it ends too soon")?;
        let line = String::from_utf8_lossy(self.take(length)?).trim_end_matches('\r').to_owned();
        self.at += 1;
        Ok(line)
    }
}

fn pairs(all: &[Place]) -> Vec<(Place, Place)> {
    all.as_chunks::<2>().0.iter().map(|[key, value]| (*key, *value)).collect()
}

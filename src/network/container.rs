//! The safetensors container: a JSON header that names tensors, and their bytes.
//!
//! Read here by hand, because the crate that does it brings a whole JSON library, which came to a fifth of the page's module. The
//! header's JSON is a small part of the language: two levels of objects, strings, and lists of whole numbers. The crate writes
//! the files, and tests compare what both read.

use super::error::words;

/// The longest header that is read, as in the safetensors crate.
const LONGEST_HEADER: usize = 100_000_000;
/// The most tensors that are read. No plain network comes near, and looking each up by name stays quick.
const MOST_TENSORS: usize = 1000;

/// A named tensor.
pub(crate) struct Tensor<'a> {
    pub(crate) name: String,
    /// As the file calls it, e.g. `F32`.
    pub(crate) dtype: String,
    pub(crate) shape: Vec<usize>,
    /// Little-endian, row by row.
    pub(crate) data: &'a [u8],
}

/// A whole file.
pub(crate) struct Container<'a> {
    pub(crate) tensors: Vec<Tensor<'a>>,
    metadata: Vec<(String, String)>,
}

impl<'a> Container<'a> {
    /// Reads a file; the error says what is wrong with it in words.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        let (length, rest) = bytes.split_first_chunk::<8>().ok_or("it is shorter than the length of a header")?;
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
        if length > LONGEST_HEADER {
            return Err("it does not begin with the length of a header, as such a file does".into());
        }
        let (header, data) = rest.split_at_checked(length).ok_or("it ends within its header")?;
        let header = std::str::from_utf8(header).map_err(|_| "its header is no text")?;
        let mut json = Json { rest: header.trim_end_matches(is_space) };
        let mut container = Container { tensors: Vec::new(), metadata: Vec::new() };
        let mut places = Vec::new();
        json.object(|json, name| {
            if name == "__metadata__" {
                #[cfg(feature = "sequential")]
                if json.take_word("null") {
                    return Ok(());
                }
                return json.object(|json, key| {
                    #[cfg(feature = "sequential")]
                    if !json.is_next('"') {
                        return json.skip(0);
                    }
                    let value = json.string()?;
                    container.metadata.push((key, value));
                    Ok(())
                });
            }
            let (tensor, place) = json.tensor(name)?;
            if container.tensors.iter().any(|known| known.name == tensor.name) {
                return Err(words(|| format!("it has two tensors named {:?}", tensor.name)));
            }
            if container.tensors.len() == MOST_TENSORS {
                return Err(words(|| format!("it has more than {MOST_TENSORS} tensors")));
            }
            container.tensors.push(tensor);
            places.push(place);
            Ok(())
        })?;
        if !json.rest.is_empty() {
            return Err("its header does not end where it should".into());
        }
        container.place(&places, data)?;
        Ok(container)
    }

    /// An entry of the metadata.
    pub(crate) fn entry(&self, key: &str) -> Option<&str> {
        self.metadata.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The tensor of that name.
    pub(crate) fn tensor(&self, name: &str) -> Option<&Tensor<'a>> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }

    /// Gives every tensor its bytes: together they must cover the data, one after the other.
    fn place(&mut self, places: &[(usize, usize)], data: &'a [u8]) -> Result<(), String> {
        // By insertion: a file has few tensors, and a sort is two kilobytes of the page's module.
        let mut order: Vec<usize> = Vec::with_capacity(places.len());
        for (k, place) in places.iter().enumerate() {
            let before = order.iter().rposition(|&known| places[known] <= *place);
            order.insert(before.map_or(0, |before| before + 1), k);
        }
        let mut end = 0;
        for k in order {
            let (from, to) = places[k];
            let tensor = &mut self.tensors[k];
            let bytes = data.get(from..to).filter(|_| from == end);
            let nowhere = || words(|| format!("{:?} does not lie where the file has bytes for it", tensor.name));
            tensor.data = bytes.ok_or_else(nowhere)?;
            let size = match tensor.dtype.as_str() {
                "F32" => 4,
                "F16" => 2,
                "I8" => 1,
                _ => 0, // refused by name, wherever it is used
            };
            let numbers = tensor.shape.iter().try_fold(size, |product: usize, &n| product.checked_mul(n));
            if size > 0 && numbers != Some(to - from) {
                let (name, shape) = (&tensor.name, &tensor.shape);
                return Err(words(|| format!("{name:?} of shape {shape:?} has {} bytes", to - from)));
            }
            end = to;
        }
        if end == data.len() { Ok(()) } else { Err("it has bytes that belong to no tensor, or lacks some".into()) }
    }
}

/// What is still to be read of the header.
struct Json<'a> {
    rest: &'a str,
}

impl Json<'_> {
    /// `{"key": value, …}`; `value` reads what follows each colon.
    fn object(&mut self, mut value: impl FnMut(&mut Self, String) -> Result<(), String>) -> Result<(), String> {
        self.expect('{')?;
        if self.take('}') {
            return Ok(());
        }
        loop {
            let key = self.string()?;
            self.expect(':')?;
            value(self, key)?;
            if !self.take(',') {
                return self.expect('}');
            }
        }
    }

    /// `{"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}`, and where its bytes begin and end.
    fn tensor<'b>(&mut self, name: String) -> Result<(Tensor<'b>, (usize, usize)), String> {
        let (mut dtype, mut shape, mut place) = (None, None, None);
        self.object(|json, key| {
            match key.as_str() {
                "dtype" => dtype = Some(json.string()?),
                "shape" => shape = Some(json.numbers()?),
                "data_offsets" => place = Some(json.numbers()?),
                #[cfg(feature = "sequential")]
                _ => json.skip(0)?,
                #[cfg(not(feature = "sequential"))]
                _ => return Err(words(|| format!("its header says {key:?} of {name:?}"))),
            }
            Ok(())
        })?;
        match (dtype, shape, place.as_deref()) {
            (Some(dtype), Some(shape), Some(&[from, to])) => Ok((Tensor { name, dtype, shape, data: &[] }, (from, to))),
            _ => Err(words(|| format!("its header lacks the dtype, shape or data_offsets of {name:?}"))),
        }
    }

    /// Any value, which says nothing here.
    #[cfg(feature = "sequential")]
    fn skip(&mut self, depth: usize) -> Result<(), String> {
        if depth > 20 {
            return Err("its header has lists in each other without end".into());
        }
        if self.is_next('"') {
            return self.string().map(drop);
        }
        if self.is_next('{') {
            return self.object(|json, _| json.skip(depth + 1));
        }
        if self.take('[') {
            while !self.take(']') {
                self.skip(depth + 1)?;
                self.take(',');
            }
            return Ok(());
        }
        let length = self.rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b)).count();
        let (word, rest) = self.rest.split_at_checked(length).unwrap_or_default();
        self.rest = rest;
        if word.is_empty() { Err("its header has a value that is none".into()) } else { Ok(()) }
    }

    /// Whether this follows.
    #[cfg(feature = "sequential")]
    fn is_next(&mut self, mark: char) -> bool {
        self.skip_space();
        self.rest.starts_with(mark)
    }

    #[cfg(feature = "sequential")]
    fn take_word(&mut self, word: &str) -> bool {
        self.skip_space();
        let rest = self.rest.strip_prefix(word);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// `[1, 2, …]`
    fn numbers(&mut self) -> Result<Vec<usize>, String> {
        let mut numbers = Vec::new();
        self.expect('[')?;
        if self.take(']') {
            return Ok(numbers);
        }
        loop {
            self.skip_space();
            let (number, rest) = leading_digits(self.rest);
            if number.len() > 1 && number.starts_with('0') {
                return Err("its header has a number that begins with 0".into());
            }
            numbers.push(number.parse().map_err(|_| "its header lacks a whole number, or has one that is too large")?);
            self.rest = rest;
            if !self.take(',') {
                self.expect(']')?;
                return Ok(numbers);
            }
        }
    }

    fn string(&mut self) -> Result<String, String> {
        self.expect('"')?;
        let mut text = String::new();
        loop {
            let mut characters = self.rest.chars();
            let next = characters.next();
            self.rest = characters.as_str();
            match next {
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escaped()?),
                Some(plain) if plain >= ' ' => text.push(plain),
                _ => return Err("its header has a text that does not end".into()),
            }
        }
    }

    /// What a backslash begins.
    fn escaped(&mut self) -> Result<char, String> {
        let mut characters = self.rest.chars();
        let kind = characters.next();
        self.rest = characters.as_str();
        let character = match kind {
            Some(same @ ('"' | '\\' | '/')) => Some(same),
            Some('b') => Some('\u{8}'),
            Some('f') => Some('\u{c}'),
            Some('n') => Some('\n'),
            Some('r') => Some('\r'),
            Some('t') => Some('\t'),
            Some('u') => match self.unit()? {
                // The first of two halves.
                unit @ 0xd800..0xdc00 => match self.rest.strip_prefix("\\u") {
                    Some(rest) => {
                        self.rest = rest;
                        let low = self.unit()?;
                        char::decode_utf16([unit, low]).next().and_then(Result::ok)
                    }
                    None => None,
                },
                unit => char::from_u32(unit.into()),
            },
            _ => None,
        };
        character.ok_or_else(|| "its header has an escape that means nothing".into())
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Result<u16, String> {
        let (digits, rest) = self.rest.split_at_checked(4).unwrap_or_default();
        self.rest = rest;
        let are_digits = digits.bytes().all(|b| b.is_ascii_hexdigit());
        let unit = u16::from_str_radix(digits, 16).ok().filter(|_| are_digits);
        unit.ok_or_else(|| "its header has an escape that means nothing".into())
    }

    fn expect(&mut self, mark: char) -> Result<(), String> {
        if self.take(mark) { Ok(()) } else { Err(words(|| format!("its header lacks a {mark:?}"))) }
    }

    fn take(&mut self, mark: char) -> bool {
        self.skip_space();
        let rest = self.rest.strip_prefix(mark);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches(is_space);
    }
}

/// The decimal digits that a text begins with, and the rest.
pub(crate) fn leading_digits(text: &str) -> (&str, &str) {
    // Checked, though it can't fail: what panics over the parts of a text is two kilobytes of the page's module.
    text.split_at_checked(text.bytes().take_while(u8::is_ascii_digit).count()).unwrap_or((text, ""))
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r')
}

//! The colours of pictures in the two themes: the one place where they are chosen. The page's style sheet and its scripts have them
//! from here (`www/style.css`, `www/colours.js`), so that they agree, and none depends on when a style sheet arrives.

/// Red, green and blue.
pub type Rgb = [u8; 3];

/// The colours of one theme.
pub struct Theme {
    /// What a digit is drawn on.
    pub paper: Rgb,
    /// What it is drawn with.
    pub ink: Rgb,
    /// A change that takes ink away.
    pub less: Rgb,
    /// No change.
    pub none: Rgb,
    /// A change that adds ink. Orange beside the blue of `less`, which people with any colour vision tell apart.
    pub more: Rgb,
}

/// Dark on light.
pub const LIGHT: Theme = Theme {
    paper: [0xff, 0xff, 0xff],
    ink: [0x1d, 0x1d, 0x1f],
    less: [0x21, 0x66, 0xac],
    none: [0xff, 0xff, 0xff],
    more: [0xd9, 0x69, 0x0c],
};

/// Light on dark.
pub const DARK: Theme = Theme {
    paper: [0x0b, 0x0c, 0x0d],
    ink: [0xf1, 0xef, 0xe9],
    less: [0x5a, 0xa2, 0xe6],
    none: [0x0b, 0x0c, 0x0d],
    more: [0xf5, 0x8a, 0x2c],
};

/// The ten labels: Paul Tol's muted scheme (*Introduction to colour schemes*, 2021), whose colours people with any colour vision tell
/// apart.
const LABELS: [Rgb; 10] = [
    [0xdd, 0xdd, 0xdd],
    [0x33, 0x22, 0x88],
    [0x88, 0xcc, 0xee],
    [0xdd, 0xcc, 0x77],
    [0x11, 0x77, 0x33],
    [0xcc, 0x66, 0x77],
    [0x44, 0xaa, 0x99],
    [0x99, 0x99, 0x33],
    [0xaa, 0x44, 0x99],
    [0x88, 0x22, 0x55],
];

/// How much of a label's colour is mixed into the paper, in hundredths: the page is calm.
const STRENGTH: u32 = 62;

impl Theme {
    /// The colours of a map's labels.
    pub fn labels(&self) -> [Rgb; 10] {
        let mixed =
            |colour: u8, paper: u8| (STRENGTH * u32::from(colour) + (100 - STRENGTH) * u32::from(paper) + 50) / 100;
        LABELS.map(|colour| std::array::from_fn(|k| mixed(colour[k], self.paper[k]) as u8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, fs, path::Path};

    fn hex([r, g, b]: Rgb) -> String {
        format!("#{r:02x}{g:02x}{b:02x}")
    }

    fn named(theme: &Theme) -> [(&'static str, Rgb); 5] {
        let Theme { paper, ink, less, none, more } = *theme;
        [("paper", paper), ("ink", ink), ("less", less), ("none", none), ("more", more)]
    }

    /// As declarations of a style sheet.
    fn declarations() -> String {
        let pairs = named(&LIGHT).into_iter().zip(named(&DARK));
        pairs
            .map(|((name, light), (_, dark))| format!("  --{name}: light-dark({}, {});\n", hex(light), hex(dark)))
            .collect()
    }

    /// As a module of the page.
    fn module() -> String {
        let theme = |name: &str, theme: &Theme| {
            let colours = named(theme).map(|(name, colour)| format!("    {name}: '{}',\n", hex(colour))).concat();
            let labels = theme.labels().map(hex).join(" ");
            format!("  {name}: {{\n{colours}    labels: '{labels}'.split(' '),\n  }},\n")
        };
        format!(
            "// @ts-check\n\
             // Generated from src/colours.rs: do not edit, but change that file and run UPDATE_COLOURS=1 cargo test --lib colours\n\
             \n\
             /** The colours of pictures in the two themes; `labels` are those of a map. */\n\
             export const COLOURS = {{\n{}{}}};\n",
            theme("light", &LIGHT),
            theme("dark", &DARK)
        )
    }

    /// What `file` has to be, where `make` says so of what it is.
    fn check(file: &str, make: impl Fn(&str) -> String) {
        let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("www").join(file);
        let is = fs::read_to_string(&place).unwrap_or_default();
        let wanted = make(&is);
        if env::var_os("UPDATE_COLOURS").is_some() {
            fs::write(&place, &wanted).unwrap();
        } else {
            assert!(
                is == wanted,
                "www/{file} has other colours than src/colours.rs: UPDATE_COLOURS=1 cargo test --lib colours"
            );
        }
    }

    #[test]
    fn the_page_has_these_colours() {
        check("colours.js", |_| module());
        check("style.css", |sheet| {
            let (begin, end) = ("  /* From src/colours.rs */\n", "  /* to here */\n");
            let (head, rest) = sheet.split_once(begin).unwrap();
            let (_, tail) = rest.split_once(end).unwrap();
            [head, begin, &declarations(), end, tail].concat()
        });
    }
}

//! Style sheets as they are.

pub mod stylesheet {
    use std::convert::Infallible;

    #[derive(Default)]
    pub struct ParserOptions;

    #[derive(Default)]
    pub struct MinifyOptions;

    #[derive(Default)]
    pub struct PrinterOptions {
        pub minify: bool,
    }

    pub struct ToCssResult {
        pub code: String,
    }

    pub struct StyleSheet<'a> {
        code: &'a str,
    }

    impl<'a> StyleSheet<'a> {
        pub fn parse(code: &'a str, _: ParserOptions) -> Result<Self, Infallible> {
            Ok(Self { code })
        }

        pub fn minify(&mut self, _: MinifyOptions) -> Result<(), Infallible> {
            Ok(())
        }

        pub fn to_css(&self, _: PrinterOptions) -> Result<ToCssResult, Infallible> {
            Ok(ToCssResult { code: self.code.to_owned() })
        }
    }
}

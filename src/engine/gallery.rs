//! What the surfaces show, and in what colours: values become RGBA bytes here and nowhere else.
//!
//! Colours come from the page, so that its themes are told in one place. Each picture is kept as values, so that other colours
//! need no other answer.

use super::message::{Bytes, Palette, Response};
use crate::SIDE;

/// The scales that a signed picture is shown at.
const LIMITS: [f32; 6] = [0.05, 0.1, 0.2, 0.3, 0.5, 1.0];

/// What a surface shows.
pub(super) enum Picture {
    /// Nothing.
    Empty,
    /// 28×28 pixels in [0, 1].
    Ink(Vec<f32>),
    /// 28×28 changes, shown from −limit to limit.
    Signed(Vec<f32>, f32),
    /// Labels, so many along a side.
    Labels(Vec<u8>, usize),
}

/// All views.
#[derive(Default)]
pub(super) struct Gallery {
    views: Vec<View>,
}

/// Surfaces that share their colours.
struct View {
    name: String,
    palette: Option<Palette>,
    surfaces: Vec<Surface>,
}

struct Surface {
    name: String,
    picture: Picture,
}

impl Gallery {
    /// Shows a picture from now on; it is painted as soon as the view has colours.
    #[inline(never)]
    pub(super) fn show(&mut self, id: u32, name: &str, picture: Picture, responses: &mut Vec<Response>) {
        let view = self.view(view_of(name));
        let place = view.surfaces.iter().position(|surface| surface.name == name);
        if matches!(picture, Picture::Empty) {
            place.map(|place| view.surfaces.swap_remove(place));
            return responses.push(Response::Painted { id, surface: name.into(), side: 0, rgba: Bytes::default() });
        }
        let place = place.unwrap_or_else(|| {
            view.surfaces.push(Surface { name: name.into(), picture: Picture::Empty });
            view.surfaces.len() - 1
        });
        view.surfaces[place].picture = picture;
        responses.extend(view.painted(id, &view.surfaces[place]));
    }

    /// Paints what a surface shows once more.
    pub(super) fn show_again(&mut self, name: &str, responses: &mut Vec<Response>) {
        let view = self.view(view_of(name));
        let surface = view.surfaces.iter().find(|surface| surface.name == name);
        responses.extend(surface.and_then(|surface| view.painted(0, surface)));
    }

    /// Colours a view, and paints what it shows.
    pub(super) fn set_palette(&mut self, view: &str, palette: Palette, responses: &mut Vec<Response>) {
        let view = self.view(view);
        view.palette = Some(palette);
        responses.extend(view.surfaces.iter().filter_map(|surface| view.painted(0, surface)));
    }

    /// Forgets a view.
    pub(super) fn leave(&mut self, view: &str) {
        self.views.retain(|known| known.name != view);
    }

    fn view(&mut self, name: &str) -> &mut View {
        let place = self.views.iter().position(|view| view.name == name).unwrap_or_else(|| {
            self.views.push(View { name: name.into(), palette: None, surfaces: Vec::new() });
            self.views.len() - 1
        });
        &mut self.views[place]
    }
}

/// A surface's name up to the slash.
fn view_of(surface: &str) -> &str {
    surface.split_once('/').map_or(surface, |(view, _)| view)
}

impl View {
    fn painted(&self, id: u32, surface: &Surface) -> Option<Response> {
        let (side, rgba) = surface.picture.paint(self.palette.as_ref()?);
        Some(Response::Painted { id, surface: surface.name.clone(), side: side as u32, rgba: Bytes(rgba) })
    }
}

impl Picture {
    /// Pixels along its side, and their bytes.
    fn paint(&self, palette: &Palette) -> (usize, Vec<u8>) {
        match self {
            Picture::Empty => (0, Vec::new()),
            Picture::Ink(values) => {
                let [paper, ink] = [0, 1].map(|k| colour(&palette.ink, k));
                (SIDE, values.iter().flat_map(|&v| mix(paper, ink, v)).collect())
            }
            Picture::Signed(values, limit) => {
                let [less, none, more] = [0, 1, 2].map(|k| colour(&palette.signed, k));
                let side = |v: f32| if v < 0.0 { less } else { more };
                (SIDE, values.iter().flat_map(|&v| mix(none, side(v), v.abs() / limit)).collect())
            }
            Picture::Labels(labels, side) => {
                let colours = labels.iter().map(|&label| colour(&palette.labels, label.into()));
                (*side, colours.flat_map(|[r, g, b]| [r, g, b, 255]).collect())
            }
        }
    }
}

/// One of some RGB triples; black where there is none.
fn colour(triples: &Bytes, index: usize) -> [u8; 3] {
    triples.0.as_chunks::<3>().0.get(index).copied().unwrap_or_default()
}

/// The smallest round limit that no value exceeds, so that a picture's scale can be stated.
pub fn signed_limit(values: &[f32]) -> f32 {
    let largest = largest(values);
    LIMITS.into_iter().find(|&limit| largest <= limit).unwrap_or(1.0)
}

/// The largest |v|.
#[inline(never)]
pub(super) fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0f32, |m, v| m.max(v.abs()))
}

/// `share` of the way from one colour to another, opaque.
pub fn mix(from: [u8; 3], to: [u8; 3], share: f32) -> [u8; 4] {
    let share = share.clamp(0.0, 1.0);
    let channel = |i: usize| (f32::from(from[i]) + share * (f32::from(to[i]) - f32::from(from[i]))).round() as u8;
    [channel(0), channel(1), channel(2), 255]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn palette() -> Palette {
        Palette {
            ink: Bytes(vec![255, 255, 255, 0, 55, 155]),
            signed: Bytes(vec![0, 0, 200, 100, 100, 100, 200, 0, 0]),
            labels: Bytes((0..30).collect()),
        }
    }

    fn colours(picture: Picture) -> Vec<[u8; 4]> {
        picture.paint(&palette()).1.as_chunks::<4>().0.to_vec()
    }

    #[test]
    fn ink_is_mixed_from_paper_to_ink() {
        let expected = [[255, 255, 255, 255], [128, 155, 205, 255], [0, 55, 155, 255]];
        assert_eq!(colours(Picture::Ink(vec![0.0, 0.5, 1.0])), expected);
    }

    #[test]
    fn changes_are_mixed_to_both_sides_and_stop_at_the_limit() {
        let found = colours(Picture::Signed(vec![-0.5, -0.25, 0.0, 0.25, 0.5, 9.0], 0.5));
        let rgb = [[0, 0, 200], [50, 50, 150], [100, 100, 100], [150, 50, 50], [200, 0, 0], [200, 0, 0]];
        assert_eq!(found, rgb.map(|[r, g, b]| [r, g, b, 255]));
    }

    #[test]
    fn labels_have_their_colours_and_are_black_where_there_are_none() {
        assert_eq!(
            colours(Picture::Labels(vec![0, 9, 1, 10], 2)),
            [[0, 1, 2, 255], [27, 28, 29, 255], [3, 4, 5, 255], [0, 0, 0, 255]]
        );
    }

    #[test]
    fn the_stated_limit_covers_every_change() {
        assert_eq!(signed_limit(&[0.0; 784]), 0.05);
        assert_eq!(signed_limit(&[0.04, -0.21]), 0.3);
        assert_eq!(signed_limit(&[-1.0]), 1.0);
    }

    fn painted(responses: &mut Vec<Response>) -> Vec<(u32, String, u32)> {
        let only = |response| match response {
            Response::Painted { id, surface, side, .. } => (id, surface, side),
            other => panic!("{other:?}"),
        };
        responses.drain(..).map(only).collect()
    }

    #[test]
    fn a_picture_waits_for_colours_and_is_painted_anew_with_others() {
        let (mut gallery, mut responses) = (Gallery::default(), Vec::new());
        gallery.show(7, "a/x", Picture::Ink(vec![0.5; 784]), &mut responses);
        gallery.show(7, "b/x", Picture::Ink(vec![0.5; 784]), &mut responses);
        assert!(responses.is_empty(), "no view has colours");
        gallery.set_palette("a", palette(), &mut responses);
        assert_eq!(painted(&mut responses), [(0, "a/x".into(), 28)]);
        gallery.show(8, "a/map", Picture::Labels(vec![1; 9], 3), &mut responses);
        assert_eq!(painted(&mut responses), [(8, "a/map".into(), 3)]);
        gallery.set_palette("a", Palette::default(), &mut responses);
        assert_eq!(painted(&mut responses), [(0, "a/x".into(), 28), (0, "a/map".into(), 3)]);
    }

    #[test]
    fn an_empty_surface_and_one_that_was_left_are_not_painted_anew() {
        let (mut gallery, mut responses) = (Gallery::default(), Vec::new());
        gallery.set_palette("a", palette(), &mut responses);
        for name in ["a/x", "a/r"] {
            gallery.show(1, name, Picture::Ink(vec![0.5; 784]), &mut responses);
        }
        gallery.show(2, "a/x", Picture::Empty, &mut responses);
        assert_eq!(painted(&mut responses), [(1, "a/x".into(), 28), (1, "a/r".into(), 28), (2, "a/x".into(), 0)]);
        gallery.show_again("a/r", &mut responses);
        gallery.show_again("a/x", &mut responses);
        assert_eq!(painted(&mut responses), [(0, "a/r".into(), 28)]);
        gallery.leave("a");
        gallery.set_palette("a", palette(), &mut responses);
        assert!(responses.is_empty());
    }
}

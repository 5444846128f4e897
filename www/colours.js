// @ts-check
// Generated from src/colours.rs: do not edit, but change that file and run UPDATE_COLOURS=1 cargo test --lib colours

/** The colours of pictures in the two themes; `labels` are those of a map. */
export const COLOURS = {
  light: {
    paper: '#ffffff',
    ink: '#1d1d1f',
    less: '#2166ac',
    none: '#ffffff',
    more: '#d9690c',
    labels: '#eaeaea #8176b5 #b5dff4 #eadfab #6bab81 #dfa0ab #8bcac0 #c0c081 #ca8bc0 #b57696'.split(' '),
  },
  dark: {
    paper: '#0b0c0d',
    ink: '#f1efe9',
    less: '#5aa2e6',
    none: '#0b0c0d',
    more: '#f58a2c',
    labels: '#8d8e8e #241a59 #598399 #8d834f #0f4e25 #83444f #2e6e64 #636325 #6e2f64 #591a3a'.split(' '),
  },
};

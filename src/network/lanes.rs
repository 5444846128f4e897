//! Four f32 side by side, and the few functions that the kernels need.
//!
//! In WebAssembly these are the `simd128` instructions, on x86-64 those of SSE2; elsewhere plain arrays, for compilers to turn
//! into vectors (for x86-64 they do it badly). All do the same arithmetic in the same order.
#![allow(unsafe_code, reason = "loads and stores of vectors are pointers' work; each block says why it is sound")]

/// Lanes of one vector. Widths are padded to a multiple of this.
pub(crate) const LANES: usize = 4;

pub(crate) use vector::Lanes;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod vector {
    use super::LANES;
    use core::arch::wasm32::*;

    #[derive(Clone, Copy)]
    pub struct Lanes(v128);

    impl Lanes {
        #[inline(always)]
        pub fn splat(value: f32) -> Self {
            Lanes(f32x4_splat(value))
        }

        #[inline(always)]
        pub fn load(values: &[f32; LANES]) -> Self {
            // SAFETY: the reference is to 16 readable bytes, and v128.load needs no alignment.
            Lanes(unsafe { v128_load(values.as_ptr().cast()) })
        }

        #[inline(always)]
        pub fn store(self, values: &mut [f32; LANES]) {
            // SAFETY: the reference is to 16 writable bytes, and v128.store needs no alignment.
            unsafe { v128_store(values.as_mut_ptr().cast(), self.0) }
        }

        /// `self + a·b`
        #[inline(always)]
        pub fn add_product(self, a: Lanes, b: Lanes) -> Self {
            Lanes(f32x4_add(self.0, f32x4_mul(a.0, b.0)))
        }

        /// The sums of four vectors' lanes.
        #[inline(always)]
        pub fn sums([a, b, c, d]: [Lanes; LANES]) -> Self {
            let low = |a: Lanes, b: Lanes| i32x4_shuffle::<0, 4, 1, 5>(a.0, b.0);
            let high = |a: Lanes, b: Lanes| i32x4_shuffle::<2, 6, 3, 7>(a.0, b.0);
            let (ab, cd) = (f32x4_add(low(a, b), high(a, b)), f32x4_add(low(c, d), high(c, d)));
            Lanes(f32x4_add(i32x4_shuffle::<0, 1, 4, 5>(ab, cd), i32x4_shuffle::<2, 3, 6, 7>(ab, cd)))
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod vector {
    use super::LANES;
    use core::arch::x86_64::*;

    #[derive(Clone, Copy)]
    pub struct Lanes(__m128);

    impl Lanes {
        #[inline(always)]
        pub fn splat(value: f32) -> Self {
            // SAFETY: every x86-64 processor has SSE2.
            Lanes(unsafe { _mm_set1_ps(value) })
        }

        #[inline(always)]
        pub fn load(values: &[f32; LANES]) -> Self {
            // SAFETY: the reference is to 16 readable bytes, and movups needs no alignment.
            Lanes(unsafe { _mm_loadu_ps(values.as_ptr()) })
        }

        #[inline(always)]
        pub fn store(self, values: &mut [f32; LANES]) {
            // SAFETY: the reference is to 16 writable bytes, and movups needs no alignment.
            unsafe { _mm_storeu_ps(values.as_mut_ptr(), self.0) }
        }

        /// `self + a·b`
        #[inline(always)]
        pub fn add_product(self, a: Lanes, b: Lanes) -> Self {
            // SAFETY: every x86-64 processor has SSE2.
            Lanes(unsafe { _mm_add_ps(self.0, _mm_mul_ps(a.0, b.0)) })
        }

        /// The sums of four vectors' lanes.
        #[inline(always)]
        pub fn sums([mut a, mut b, mut c, mut d]: [Lanes; LANES]) -> Self {
            // SAFETY: every x86-64 processor has SSE2.
            unsafe {
                _MM_TRANSPOSE4_PS(&mut a.0, &mut b.0, &mut c.0, &mut d.0);
                Lanes(_mm_add_ps(_mm_add_ps(a.0, c.0), _mm_add_ps(b.0, d.0)))
            }
        }
    }
}

#[cfg(not(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128"))))]
mod vector {
    use super::LANES;

    #[derive(Clone, Copy)]
    pub struct Lanes([f32; LANES]);

    impl Lanes {
        #[inline(always)]
        pub fn splat(value: f32) -> Self {
            Lanes([value; LANES])
        }

        #[inline(always)]
        pub fn load(values: &[f32; LANES]) -> Self {
            Lanes(*values)
        }

        #[inline(always)]
        pub fn store(self, values: &mut [f32; LANES]) {
            *values = self.0;
        }

        /// `self + a·b`
        #[inline(always)]
        pub fn add_product(self, a: Lanes, b: Lanes) -> Self {
            Lanes(std::array::from_fn(|i| self.0[i] + a.0[i] * b.0[i]))
        }

        /// The sums of four vectors' lanes.
        #[inline(always)]
        pub fn sums(v: [Lanes; LANES]) -> Self {
            Lanes(v.map(|v| (v.0[0] + v.0[2]) + (v.0[1] + v.0[3])))
        }
    }
}

/// `e^z` to about one unit in the last place, without a branch, so that loops over it become vector code.
///
/// `z = n ln 2 + f`: a polynomial in f (S. Moshier, *Cephes*, `expf`), with n put into the exponent's bits.
#[inline(always)]
pub(crate) fn exp(z: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0; // 1.5·2²³: adding it leaves no room for a fraction
    let z = z.clamp(-87.0, 88.0);
    let n = (z * std::f32::consts::LOG2_E + ROUND) - ROUND;
    let f = (z - n * 0.693_359_4) - n * -2.121_944_4e-4; // ln 2 in two parts
    let mut p = 1.987_569_1e-4;
    p = p * f + 1.398_199_9e-3;
    p = p * f + 8.333_452e-3;
    p = p * f + 4.166_579_6e-2;
    p = p * f + 1.666_666_5e-1;
    p = p * f + 0.5;
    let fraction = p * f * f + f + 1.0;
    let power = f32::from_bits(((n as i32 + 127) << 23) as u32);
    fraction * power
}

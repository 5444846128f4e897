//! Test functions of the literature, with gradients. tests/fixtures/lbfgs/README.md names their sources;
//! generate.py beside it has the same functions once more, written apart.

use std::f64::consts::PI;

/// `f(x)`, with `∇f(x)` written to `gradient`. `parameter` is the family's own: a condition number, a force.
pub type Objective = fn(parameter: f64, x: &[f64], gradient: &mut [f64]) -> f64;

/// The function of a family by its name in the fixtures.
pub fn family(name: &str) -> Option<Objective> {
    Some(match name {
        "driver" => driver,
        "rosenbrock" => rosenbrock,
        "quadratic" => quadratic,
        "beale" => beale,
        "wood" => wood,
        "powell-singular" => powell_singular,
        "trigonometric" => trigonometric,
        "penalty" => penalty,
        "variably-dimensioned" => variably_dimensioned,
        "broyden-tridiagonal" => broyden_tridiagonal,
        "hs3" => hs3,
        "hs4" => hs4,
        "hs5" => hs5,
        "hs45" => hs45,
        "hs110" => hs110,
        "torsion" => torsion,
        "bearing" => bearing,
        _ => return None,
    })
}

/// The sample problem of the L-BFGS-B drivers: `4·(¼(x₁ − 1)² + Σ (xᵢ − xᵢ₋₁²)²)`.
pub fn driver(_: f64, x: &[f64], g: &mut [f64]) -> f64 {
    g.fill(0.0);
    let mut f = (x[0] - 1.0).powi(2);
    g[0] = 2.0 * (x[0] - 1.0);
    for i in 1..x.len() {
        let t = x[i] - x[i - 1] * x[i - 1];
        f += 4.0 * t * t;
        g[i] += 8.0 * t;
        g[i - 1] -= 16.0 * x[i - 1] * t;
    }
    f
}

/// `Σ 100(xᵢ₊₁ − xᵢ²)² + (1 − xᵢ)²`.
pub fn rosenbrock(_: f64, x: &[f64], g: &mut [f64]) -> f64 {
    g.fill(0.0);
    let mut f = 0.0;
    for i in 0..x.len() - 1 {
        let (t, u) = (x[i + 1] - x[i] * x[i], 1.0 - x[i]);
        f += 100.0 * t * t + u * u;
        g[i + 1] += 200.0 * t;
        g[i] -= 400.0 * x[i] * t + 2.0 * u;
    }
    f
}

/// `½ (x − c)ᵀ A (x − c)`, `cᵢ = 2 sin 3i`, `A = H D H` with eigenvalues D spread evenly in the logarithm from
/// 1/condition to 1 and the Householder reflection H of the vector `cos i` (i from 1).
pub fn quadratic(condition: f64, x: &[f64], g: &mut [f64]) -> f64 {
    let n = x.len();
    let vector = |i: usize| ((i + 1) as f64).cos();
    let norm: f64 = (0..n).map(|i| vector(i).powi(2)).sum();
    let reflect = |z: &mut [f64]| {
        let along: f64 = z.iter().enumerate().map(|(i, z)| vector(i) * z).sum();
        for (i, z) in z.iter_mut().enumerate() {
            *z -= 2.0 * along / norm * vector(i);
        }
    };
    for (i, (g, x)) in g.iter_mut().zip(x).enumerate() {
        *g = x - 2.0 * (3.0 * (i + 1) as f64).sin();
    }
    reflect(g);
    let mut f = 0.0;
    for (i, g) in g.iter_mut().enumerate() {
        let eigenvalue = condition.powf(i as f64 / (n - 1) as f64 - 1.0);
        f += 0.5 * eigenvalue * *g * *g;
        *g *= eigenvalue;
    }
    reflect(g);
    f
}

/// Moré, Garbow and Hillstrom, problem 5.
pub fn beale(_: f64, x: &[f64], g: &mut [f64]) -> f64 {
    g.fill(0.0);
    let mut f = 0.0;
    for (k, y) in [1.5, 2.25, 2.625].into_iter().enumerate() {
        let power = x[1].powi(k as i32 + 1);
        let r = y - x[0] * (1.0 - power);
        f += r * r;
        g[0] -= 2.0 * r * (1.0 - power);
        g[1] += 2.0 * r * x[0] * (k + 1) as f64 * x[1].powi(k as i32);
    }
    f
}

/// Moré, Garbow and Hillstrom, problem 14; Hock and Schittkowski, problem 38.
pub fn wood(_: f64, x: &[f64], g: &mut [f64]) -> f64 {
    let (a, b) = (x[1] - x[0] * x[0], x[3] - x[2] * x[2]);
    let (c, d) = (x[1] - 1.0, x[3] - 1.0);
    g[0] = -400.0 * x[0] * a - 2.0 * (1.0 - x[0]);
    g[1] = 200.0 * a + 20.2 * c + 19.8 * d;
    g[2] = -360.0 * x[2] * b - 2.0 * (1.0 - x[2]);
    g[3] = 180.0 * b + 20.2 * d + 19.8 * c;
    100.0 * a * a + (1.0 - x[0]).powi(2) + 90.0 * b * b + (1.0 - x[2]).powi(2) + 10.1 * (c * c + d * d) + 19.8 * c * d
}

/// Moré, Garbow and Hillstrom, problem 22 (extended).
pub fn powell_singular(_: f64, x: &[f64], g: &mut [f64]) -> f64 {
    let mut f = 0.0;
    for (x, g) in x.chunks_exact(4).zip(g.chunks_exact_mut(4)) {
        let (a, b) = (x[0] + 10.0 * x[1], x[2] - x[3]);
        let (c, d) = (x[1] - 2.0 * x[2], x[0] - x[3]);
        f += a * a + 5.0 * b * b + c.powi(4) + 10.0 * d.powi(4);
        g[0] = 2.0 * a + 40.0 * d.powi(3);
        g[1] = 20.0 * a + 4.0 * c.powi(3);
        g[2] = 10.0 * b - 8.0 * c.powi(3);
        g[3] = -10.0 * b - 40.0 * d.powi(3);
    }
    f
}

/// Moré, Garbow and Hillstrom, problem 26.
pub fn trigonometric(_: f64, x: &[f64], g: &mut [f64]) -> f64 {
    let n = x.len() as f64;
    let cosines: f64 = x.iter().map(|x| x.cos()).sum();
    let residual = |i: usize| n - cosines + (i + 1) as f64 * (1.0 - x[i].cos()) - x[i].sin();
    let total: f64 = (0..x.len()).map(residual).sum();
    for i in 0..x.len() {
        let own = (i + 1) as f64 * x[i].sin() - x[i].cos();
        g[i] = 2.0 * (x[i].sin() * total + residual(i) * own);
    }
    (0..x.len()).map(|i| residual(i).powi(2)).sum()
}

/// Moré, Garbow and Hillstrom, problem 23 (penalty function I).
pub fn penalty(_: f64, x: &[f64], g: &mut [f64]) -> f64 {
    let excess = x.iter().map(|x| x * x).sum::<f64>() - 0.25;
    let mut f = excess * excess;
    for (g, x) in g.iter_mut().zip(x) {
        f += 1e-5 * (x - 1.0).powi(2);
        *g = 2e-5 * (x - 1.0) + 4.0 * excess * x;
    }
    f
}

/// Moré, Garbow and Hillstrom, problem 25.
pub fn variably_dimensioned(_: f64, x: &[f64], g: &mut [f64]) -> f64 {
    let sum: f64 = x.iter().enumerate().map(|(i, x)| (i + 1) as f64 * (x - 1.0)).sum();
    let mut f = sum.powi(2) + sum.powi(4);
    for (i, (g, x)) in g.iter_mut().zip(x).enumerate() {
        f += (x - 1.0).powi(2);
        *g = 2.0 * (x - 1.0) + (i + 1) as f64 * (2.0 * sum + 4.0 * sum.powi(3));
    }
    f
}

/// Moré, Garbow and Hillstrom, problem 30.
pub fn broyden_tridiagonal(_: f64, x: &[f64], g: &mut [f64]) -> f64 {
    g.fill(0.0);
    let mut f = 0.0;
    for i in 0..x.len() {
        let before = if i > 0 { x[i - 1] } else { 0.0 };
        let after = x.get(i + 1).copied().unwrap_or(0.0);
        let r = (3.0 - 2.0 * x[i]) * x[i] - before - 2.0 * after + 1.0;
        f += r * r;
        g[i] += 2.0 * r * (3.0 - 4.0 * x[i]);
        if i > 0 {
            g[i - 1] -= 2.0 * r;
        }
        if i + 1 < x.len() {
            g[i + 1] -= 4.0 * r;
        }
    }
    f
}

/// Hock and Schittkowski, problem 3.
pub fn hs3(_: f64, x: &[f64], g: &mut [f64]) -> f64 {
    let t = 2e-5 * (x[1] - x[0]);
    g.copy_from_slice(&[-t, 1.0 + t]);
    x[1] + 1e-5 * (x[1] - x[0]).powi(2)
}

/// Hock and Schittkowski, problem 4.
pub fn hs4(_: f64, x: &[f64], g: &mut [f64]) -> f64 {
    g.copy_from_slice(&[(x[0] + 1.0).powi(2), 1.0]);
    (x[0] + 1.0).powi(3) / 3.0 + x[1]
}

/// Hock and Schittkowski, problem 5.
pub fn hs5(_: f64, x: &[f64], g: &mut [f64]) -> f64 {
    let (cosine, difference) = ((x[0] + x[1]).cos(), 2.0 * (x[0] - x[1]));
    g.copy_from_slice(&[cosine + difference - 1.5, cosine - difference + 2.5]);
    (x[0] + x[1]).sin() + (x[0] - x[1]).powi(2) - 1.5 * x[0] + 2.5 * x[1] + 1.0
}

/// Hock and Schittkowski, problem 45.
pub fn hs45(_: f64, x: &[f64], g: &mut [f64]) -> f64 {
    for (i, g) in g.iter_mut().enumerate() {
        *g = -x.iter().enumerate().filter(|(k, _)| *k != i).map(|(_, x)| x).product::<f64>() / 120.0;
    }
    2.0 - x.iter().product::<f64>() / 120.0
}

/// Hock and Schittkowski, problem 110.
pub fn hs110(_: f64, x: &[f64], g: &mut [f64]) -> f64 {
    let root = x.iter().product::<f64>().powf(0.2);
    let mut f = -root;
    for (g, x) in g.iter_mut().zip(x) {
        let (low, high) = ((x - 2.0).ln(), (10.0 - x).ln());
        f += low * low + high * high;
        *g = 2.0 * low / (x - 2.0) - 2.0 * high / (10.0 - x) - 0.2 * root / x;
    }
    f
}

/// Elastic-plastic torsion (MINPACK-2): `∫ ½‖∇v‖² − force·v` on the unit square, v zero at its edge, n = k² points
/// inside. With other bounds the obstacle problem.
pub fn torsion(force: f64, x: &[f64], g: &mut [f64]) -> f64 {
    membrane(x, g, [1.0, 1.0], |_| 1.0, |_| force)
}

/// Pressure in a journal bearing of this `eccentricity` (MINPACK-2) on (0, 2π)×(0, 20), n = k² points inside.
pub fn bearing(eccentricity: f64, x: &[f64], g: &mut [f64]) -> f64 {
    let stiffness = |p: f64| (1.0 + eccentricity * p.cos()).powi(3);
    membrane(x, g, [2.0 * PI, 20.0], stiffness, |p| eccentricity * p.sin())
}

/// `∫ ½ stiffness(p)‖∇v‖² − force(p)·v` over `[0, width]×[0, height]` by linear finite elements on right triangles; p is
/// the first coordinate.
fn membrane(
    x: &[f64],
    g: &mut [f64],
    [width, height]: [f64; 2],
    stiffness: impl Fn(f64) -> f64,
    force: impl Fn(f64) -> f64,
) -> f64 {
    let k = (x.len() as f64).sqrt() as usize;
    let (hx, hy) = (width / (k + 1) as f64, height / (k + 1) as f64);
    let inside = |i: usize, j: usize| (1..=k).contains(&i) && (1..=k).contains(&j);
    let index = |i: usize, j: usize| (j - 1) * k + i - 1;
    let v = |i: usize, j: usize| if inside(i, j) { x[index(i, j)] } else { 0.0 };
    g.fill(0.0);
    let mut f = 0.0;
    let mut triangle = |corner: [usize; 2], along: [usize; 2], across: [usize; 2], weight: f64| {
        let dx = (v(along[0], along[1]) - v(corner[0], corner[1])) / hx;
        let dy = (v(across[0], across[1]) - v(corner[0], corner[1])) / hy;
        f += 0.5 * weight * (dx * dx + dy * dy);
        for ([i, j], slope) in [(along, dx / hx), (across, dy / hy), (corner, -dx / hx - dy / hy)] {
            if inside(i, j) {
                g[index(i, j)] += weight * slope;
            }
        }
    };
    for j in 0..=k {
        for i in 0..=k {
            let (left, right) = (stiffness(i as f64 * hx), stiffness((i + 1) as f64 * hx));
            let third = hx * hy / 6.0;
            triangle([i, j], [i + 1, j], [i, j + 1], third * (2.0 * left + right));
            triangle([i + 1, j + 1], [i, j + 1], [i + 1, j], third * (left + 2.0 * right));
        }
    }
    for j in 1..=k {
        for i in 1..=k {
            let load = hx * hy * force(i as f64 * hx);
            f -= load * x[index(i, j)];
            g[index(i, j)] -= load;
        }
    }
    f
}

//! docs/reproduction.md: every table of the paper beside ours, and in words whether its conclusion holds.
//!
//! All words that judge are chosen by the numbers.

use super::{
    AS_LONG, HARDENED, INSIDE, MAIN, Results,
    measure::{AMPLIFIED, Row, SamplingStep, TOP},
    paper::{self, Cell},
};
use std::fmt::Write;

/// What the page's head says about the run.
pub struct Run {
    /// The commit that was measured.
    pub commit: String,
    /// The command line.
    pub command: String,
    /// How long the measurements took, the parts of earlier runs not counted; in words.
    pub took: String,
    /// Per network: how it was trained, from its file's metadata.
    pub settings: Vec<String>,
}

/// Networks of table 2, in its order.
pub(super) const TABLE2: [&str; 6] =
    ["FC10(1e-4)", "FC10(1e-2)", "FC10(1)", "FC100-100-10", "FC200-200-10", "AE400-10"];
/// Networks of tables 3 and 4.
pub(super) const TABLE4: [&str; 3] = ["FC100-100-10 (P1)", "FC123-456-10 (P1)", "FC100-100-10 (P2)"];

/// The whole document.
pub fn document(results: &Results, run: &Run) -> String {
    let mut out = String::new();
    let sections = [head, table1, table2, tables3and4, sampling, crossing, back_feeding, units, spectrum, readings];
    for section in sections {
        // Writing to a string cannot fail.
        let _ = section(&mut out, results, run);
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

type Written = std::fmt::Result;

fn head(out: &mut String, results: &Results, run: &Run) -> Written {
    let sizes = results.sizes;
    writeln!(
        out,
        "# The paper, measured again\n\n\
         Szegedy et al. 2013, [*Intriguing properties of neural networks*](https://arxiv.org/abs/1312.6199), on MNIST. \
         This file, its figures and `reproduction.json` are written by `pockets reproduce`; nothing in them is typed in \
         by hand, and every verdict is chosen by the numbers.\n\n\
         Made on commit `{}` by `{}`{}\n\n\
         Ours are test images: {} for tables 1, 2 and 4 (the whole test set where that is 10,000, misclassified ones included), {} for \
         the mean over nine targets, {} for random perturbations with {} each, {} for readings. The paper's \
         distortions are of training images. A random target is neither the digit's label nor the network's prediction. Every x + r counts only if a \
         plain forward pass in double precision agrees and x + r lies in the box. Distortion is ‖r‖₂/√784, pixels in [0, 1].\n\n\
         Numbers of the paper with a `*` are recalled and not confirmed by a second source.",
        run.commit,
        run.command,
        run.took,
        count(sizes.transfer),
        count(sizes.nine),
        count(sizes.sampled),
        count(sizes.tries as usize),
        count(sizes.readings)
    )
}

fn table1(out: &mut String, results: &Results, run: &Run) -> Written {
    writeln!(
        out,
        "## Table 1: errors and distortions\n\n\
         | network | train error, %: paper | ours | test error, %: paper | ours | av. min. distortion: paper | ours | nine targets | nearest of nine | still classified correctly |\n\
         |---|---|---|---|---|---|---|---|---|---|"
    )?;
    for (k, name) in results.networks.iter().enumerate() {
        let paper = paper::TABLE1.iter().find(|t| t.network == name);
        let cell = |c: Option<Cell>| c.map_or("–".into(), printed);
        writeln!(
            out,
            "| {name} | {} | {} | {} | {} | {} | **{:.4}** | {:.4} | {:.4} | {} |",
            cell(paper.map(|p| p.train_error)),
            percent(train_error(results, k)),
            cell(paper.map(|p| p.test_error)),
            percent(results.errors[k].test),
            cell(paper.map(|p| p.distortion)),
            results.rows[k].distortion,
            results.nine[k].distortion,
            results.nine[k].smallest,
            percent(1.0 - results.rows[k].errors[k]),
        )?;
    }
    writeln!(out, "\n![distortions](figures/distortion.svg)\n\nHow each was trained:\n")?;
    for (name, settings) in results.networks.iter().zip(&run.settings) {
        writeln!(out, "- {name}: {settings}")?;
    }
    writeln!(out, "\n**Do the conclusions hold?**\n")?;
    let failed: usize = results.rows.iter().map(|r| r.failed).sum();
    let images: usize = results.rows.iter().map(|r| r.images).sum();
    verdict(
        out,
        failed == 0,
        "An adversarial example exists for every image and random target",
        &format!("{} of {} searches found one", count(images - failed), count(images)),
    )?;
    if let [Some(a), Some(b), Some(c)] = ["FC10(1e-4)", "FC10(1e-2)", "FC10(1)"].map(|n| results.position(n)) {
        let d = |k: usize| results.rows[k].distortion;
        verdict(
            out,
            d(a) < d(b) && d(b) < d(c),
            "The more weight decay, the larger the change must be",
            &format!("{:.4}, {:.4}, {:.4} for λ = 1e-4, 1e-2, 1; the paper has 0.062, 0.1, 0.14", d(a), d(b), d(c)),
        )?;
    }
    if let (Some(deep), Some(softmax)) = (results.position(MAIN), results.position("FC10(1e-2)")) {
        let (deep, softmax) = (results.rows[deep].distortion, results.rows[softmax].distortion);
        verdict(
            out,
            deep < softmax,
            "A deep network that errs far less than a softmax with decay can be fooled by smaller changes",
            &format!("{deep:.4} for {MAIN} against {softmax:.4} for FC10(1e-2); the paper has 0.058 against 0.1"),
        )?;
    }
    if let (Some(deep), Some(encoder)) = (results.position(MAIN), results.position("AE400-10")) {
        let (deep, encoder) = (results.rows[deep].distortion, results.rows[encoder].distortion);
        verdict(
            out,
            encoder > deep,
            "Features learned without labels need a larger change than layers learned with them",
            &format!("{encoder:.4} for AE400-10 against {deep:.4}; the paper has 0.086 against 0.058"),
        )?;
    }
    for name in TABLE2 {
        if let (Some(k), Some(paper)) = (results.position(name), paper::TABLE1.iter().find(|t| t.network == name)) {
            let ours = 100.0 * results.errors[k].test;
            if ours > paper.test_error.value + 1e-9 {
                writeln!(
                    out,
                    "- Not reached: {name} errs on {ours:.2} % of the test digits, the paper's on {} %.",
                    paper.test_error.value
                )?;
            }
        }
    }
    let both = results.networks.iter().zip(&results.rows);
    let both = both.filter_map(|(n, row)| paper::TABLE1.iter().find(|t| t.network == n).map(|t| (row, t)));
    let smaller = both.clone().filter(|(row, t)| row.distortion < t.distortion.value).count();
    writeln!(
        out,
        "\nOf {} networks that the paper has too, {smaller} have a smaller distortion here than there. The two differ in the images, in how near \
         the search comes to the minimum, and in how the networks were trained: more weight decay, as our deep networks have, means larger distortions.",
        both.count()
    )
}

fn table2(out: &mut String, results: &Results, _: &Run) -> Written {
    writeln!(out, "## Table 2: the same examples on other networks\n")?;
    writeln!(
        out,
        "Error, %, of the column's network on examples made for the row's, as ours (paper's). The first row is of the images as they are.\n"
    )?;
    let paper = |r: usize, c: usize| Some(paper::TABLE2[r][c]);
    let noise = |deviation: f64, c: usize| {
        paper::TABLE2_NOISE.iter().find(|(d, _)| (d - deviation).abs() < 1e-6).map(|(_, cells)| cells[c])
    };
    matrix(out, results, &TABLE2, |row| &row.errors, &[0.1, 0.3], &paper, &noise)?;
    writeln!(
        out,
        "\nWith r rescaled to a distortion of {AMPLIFIED}, then clipped (an r that is larger shrinks, and may be classified correctly again; the paper has no such table for these networks):\n"
    )?;
    matrix(out, results, &TABLE2, |row| &row.amplified, &[], &|_, _| None, &|_, _| None)?;
    writeln!(out, "\n![transfer](figures/transfer.svg)\n\n**Do the conclusions hold?**\n")?;
    transfer_verdicts(out, results, &TABLE2)
}

fn tables3and4(out: &mut String, results: &Results, _: &Run) -> Written {
    writeln!(
        out,
        "## Tables 3 and 4: networks that share no training digit\n\n\
         | network | error on P1, %: paper | ours | on P2: paper | ours | on the test digits: paper | ours | av. min. distortion: paper | ours |\n\
         |---|---|---|---|---|---|---|---|---|"
    )?;
    for paper in &paper::TABLE3 {
        let Some(k) = results.position(paper.network) else { continue };
        let errors = &results.errors[k];
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} | **{:.4}** |",
            paper.network,
            printed(paper.errors[0]),
            percent(errors.first_half),
            printed(paper.errors[1]),
            percent(errors.second_half),
            printed(paper.errors[2]),
            percent(errors.test),
            printed(paper.distortion),
            results.rows[k].distortion
        )?;
    }
    writeln!(out, "\nError, %, of the column's network on the row's examples, ours (paper's):\n")?;
    let noise = |deviation: f64, c: usize| {
        paper::TABLE4_NOISE.iter().find(|(d, _)| (d - deviation).abs() < 1e-6).map(|(_, cells)| cells[c])
    };
    let paper = |r: usize, c: usize| Some(paper::TABLE4[r][c]);
    matrix(out, results, &TABLE4, |row| &row.errors, &[0.06, 0.1], &paper, &noise)?;
    writeln!(
        out,
        "\nThe same, with r rescaled to a distortion of {AMPLIFIED} and clipped (an r that is larger shrinks, and may be classified correctly again):\n"
    )?;
    let paper = |r: usize, c: usize| Some(paper::TABLE4_AMPLIFIED[r][c]);
    matrix(out, results, &TABLE4, |row| &row.amplified, &[], &paper, &|_, _| None)?;
    writeln!(out, "\n**Do the conclusions hold?**\n")?;
    transfer_verdicts(out, results, &TABLE4)
}

/// One matrix of errors with the rows of noise below it.
fn matrix(
    out: &mut String,
    results: &Results,
    names: &[&str],
    errors: fn(&Row) -> &Vec<f64>,
    deviations: &[f64],
    paper: &dyn Fn(usize, usize) -> Option<Cell>,
    paper_noise: &dyn Fn(f64, usize) -> Option<Cell>,
) -> Written {
    let known: Vec<(usize, usize)> =
        names.iter().enumerate().filter_map(|(p, n)| results.position(n).map(|k| (p, k))).collect();
    let titles: Vec<&str> = known.iter().map(|(p, _)| names[*p]).collect();
    writeln!(out, "| made for | {} | distortion |", titles.join(" | "))?;
    writeln!(out, "|---|{}---|", "---|".repeat(known.len()))?;
    let clean: Vec<String> = known.iter().map(|(_, k)| percent(results.errors[*k].test)).collect();
    writeln!(out, "| nothing: the test set | {} | 0 |", clean.join(" | "))?;
    let beside = |ours: f64, paper: Option<Cell>| match paper {
        Some(cell) => format!("**{}** ({})", percent(ours), printed(cell)),
        None => format!("**{}**", percent(ours)),
    };
    for (p, k) in &known {
        let row = &results.rows[*k];
        let cells: Vec<String> = known.iter().map(|(q, j)| beside(errors(row)[*j], paper(*p, *q))).collect();
        let size = if std::ptr::eq(errors(row), &row.amplified) { row.amplified_distortion } else { row.distortion };
        writeln!(out, "| {} | {} | {size:.4} |", names[*p], cells.join(" | "))?;
    }
    for deviation in deviations {
        let Some(noise) = results.gaussian.iter().find(|n| (f64::from(n.deviation) - deviation).abs() < 1e-6) else {
            continue;
        };
        let (unclipped, clipped) = (&noise.unclipped, &noise.clipped);
        let cells: Vec<String> =
            known.iter().map(|(q, j)| beside(unclipped.errors[*j], paper_noise(*deviation, *q))).collect();
        writeln!(out, "| Gaussian noise {deviation} | {} | {:.4} |", cells.join(" | "), unclipped.distortion)?;
        let cells: Vec<String> = known.iter().map(|(_, j)| percent(clipped.errors[*j])).collect();
        writeln!(out, "| the same, clipped to the box | {} | {:.4} |", cells.join(" | "), clipped.distortion)?;
    }
    Ok(())
}

/// Whether examples made for one network trouble the others more than noise does.
fn transfer_verdicts(out: &mut String, results: &Results, names: &[&str]) -> Written {
    let known: Vec<usize> = names.iter().filter_map(|n| results.position(n)).collect();
    let Some(noise) = results.gaussian.iter().find(|n| n.deviation == 0.1) else { return Ok(()) };
    let pairs: Vec<(usize, usize)> =
        known.iter().flat_map(|&r| known.iter().map(move |&c| (r, c))).filter(|(r, c)| r != c).collect();
    let least = known.iter().map(|&k| results.rows[k].errors[k]).fold(1.0, f64::min);
    let numbers = format!("at least {} % on the diagonal", percent(least));
    verdict(out, least == 1.0, "Every network misclassifies all of its own examples", &numbers)?;
    if pairs.is_empty() {
        return writeln!(out, "- Of transfer nothing can be said: networks to compare are missing.");
    }
    let by_noise = |c: usize| noise.unclipped.errors[c].max(noise.clipped.errors[c]);
    let beyond = pairs.iter().filter(|&&(r, c)| results.rows[r].errors[c] > by_noise(c)).count();
    verdict(
        out,
        beyond == pairs.len(),
        "Examples trouble networks that they were not made for, more than noise of deviation 0.1 does, clipped or not",
        &format!("in {beyond} of {} pairs, though the noise is larger", pairs.len()),
    )?;
    let louder = pairs.iter().filter(|&&(r, c)| results.rows[r].amplified[c] > results.rows[r].errors[c]).count();
    let mean = |errors: fn(&Row) -> &Vec<f64>| {
        100.0 * pairs.iter().map(|&(r, c)| errors(&results.rows[r])[c]).sum::<f64>() / pairs.len().max(1) as f64
    };
    verdict(
        out,
        mean(|r| &r.amplified) > mean(|r| &r.errors),
        "Amplified, they transfer more",
        &format!(
            "in {louder} of {} pairs; on average {:.1} % of the others' answers are wrong at minimal distortion, {:.1} % amplified",
            pairs.len(),
            mean(|r| &r.errors),
            mean(|r| &r.amplified)
        ),
    )
}

fn sampling(out: &mut String, results: &Results, _: &Run) -> Written {
    let sampling = &results.sampling;
    writeln!(
        out,
        "## Sampling does not find them\n\n\
         For each of {} test images that {MAIN} classifies correctly, a searched r to a random target (‖r‖₂ = {:.2} on average), and random perturbations \
         in Gaussian directions whose norm is the given multiple of ‖r‖. *Clipped*: lengthened so that this is their norm *after* clipping to the box, \
         which takes away what would make the black background blacker, and leaves grey. *Unclipped*: as they are, outside the box.",
        count(sampling.images),
        sampling.norm
    )?;
    for (title, steps) in [("unclipped", &sampling.unclipped), ("clipped", &sampling.steps)] {
        writeln!(
            out,
            "\n| norm, × ‖r‖, {title} | perturbations | change the label | reach the target | images with any change | images where half change |\n\
             |---|---|---|---|---|---|"
        )?;
        steps.iter().try_for_each(|step| sampling_row(out, step))?;
    }
    writeln!(out, "\n![noise](figures/noise.svg)\n\n**Does the conclusion hold?**\n")?;
    for (title, steps) in [("unclipped", &sampling.unclipped), ("clipped", &sampling.steps)] {
        let Some(first) = steps.first() else { return Ok(()) };
        let c = first.counts;
        verdict(
            out,
            f64::from(c.to_target) < 1e-3 * f64::from(c.tried),
            &format!("Random sampling at the same distance hardly ever finds an example, {title}"),
            &format!(
                "{} of {} reach the target, {} change the label at all",
                count(c.to_target as usize),
                count(c.tried as usize),
                count(c.changed as usize)
            ),
        )?;
    }
    writeln!(
        out,
        "- Random noise changes every second answer {} if it is left as it is, {} if it is clipped.",
        every_second(&sampling.unclipped),
        every_second(&sampling.steps)
    )
}

fn sampling_row(out: &mut String, step: &SamplingStep) -> Written {
    let c = step.counts;
    writeln!(
        out,
        "| {} | {} | {} ({}) | {} ({}) | {} | {} |",
        step.multiple,
        count(c.tried as usize),
        count(c.changed as usize),
        share(c.changed, c.tried),
        count(c.to_target as usize),
        share(c.to_target, c.tried),
        count(step.images_changed),
        count(step.images_mostly_changed)
    )
}

/// At which norm half of the answers change, in words.
fn every_second(steps: &[SamplingStep]) -> String {
    let half = steps.iter().position(|s| 2 * s.counts.changed >= s.counts.tried);
    match half {
        Some(0) => "at the norm of r already".into(),
        Some(k) => format!("only between {} and {} times the norm of r", steps[k - 1].multiple, steps[k].multiple),
        None => format!("not even at {} times the norm of r", steps.last().map_or(1.0, |s| s.multiple)),
    }
}

fn crossing(out: &mut String, results: &Results, _: &Run) -> Written {
    let Some(main) = results.position(MAIN).map(|k| &results.crossing[k]) else { return Ok(()) };
    writeln!(
        out,
        "## Noise tells how near the boundary is\n\n\
         Were the boundary a plane at distance d, unclipped noise of deviation σ would cross it at the rate Φ(−d/σ), whatever the number of pixels \
         ([Ford et al. 2019](https://arxiv.org/abs/1901.10513)). d is the distance to the nearest boundary found with no box in the way: its median over {} \
         test images that {MAIN} classifies correctly is {:.3}. {} perturbations of each at each σ.\n\n\
         | σ | answers changed, % | Φ(−d/σ), %, mean | correlation over images |\n|---|---|---|---|",
        count(main.images),
        main.distance,
        count(main.tries as usize)
    )?;
    for step in &main.steps {
        let (measured, expected) = (small_percent(step.measured), small_percent(step.expected));
        writeln!(out, "| {} | **{measured}** | {expected} | {:.3} |", step.deviation, step.correlation)?;
    }
    writeln!(
        out,
        "\nThe same pairs of an image and a σ, by d/σ:\n\n| d/σ | pairs | answers changed, % | Φ(−d/σ), %, mean |\n|---|---|---|---|"
    )?;
    for (k, class) in main.classes.iter().enumerate().filter(|(_, class)| class.pairs > 0) {
        let end = main.classes.get(k + 1).map_or("on".into(), |next| format!("to {}", next.from));
        let (measured, expected) = (small_percent(class.measured), small_percent(class.expected));
        writeln!(out, "| {} {end} | {} | **{measured}** | {expected} |", class.from, count(class.pairs))?;
    }
    crossing_networks(out, results)
}

/// All networks at one deviation, and what follows.
fn crossing_networks(out: &mut String, results: &Results) -> Written {
    const DEVIATION: f32 = 0.3;
    writeln!(
        out,
        "\nEvery network at σ = {DEVIATION}:\n\n| network | median d | answers changed, % | Φ(−d/σ), %, mean | correlation over images |\n|---|---|---|---|---|"
    )?;
    let mut rows = Vec::new();
    for (name, crossing) in results.networks.iter().zip(&results.crossing) {
        let Some(step) = crossing.steps.iter().find(|step| step.deviation == DEVIATION) else { continue };
        let (measured, expected) = (small_percent(step.measured), small_percent(step.expected));
        let (d, r) = (crossing.distance, step.correlation);
        writeln!(out, "| {name} | {d:.3} | **{measured}** | {expected} | {r:.3} |")?;
        rows.push(step);
    }
    let least = rows.iter().map(|s| s.correlation).fold(1.0, f64::min);
    let more = rows.iter().filter(|s| s.measured > s.expected).count();
    writeln!(out, "\n**Does the conclusion hold?**\n")?;
    verdict(
        out,
        least > 0.5,
        "Images near the boundary are those whose answer noise changes",
        &format!("the correlation with Φ(−d/σ) is at least {least:.2}, over {} networks", rows.len()),
    )?;
    writeln!(
        out,
        "- Noise changes more answers than the one nearest plane explains in {more} of {} networks: there are other boundaries, and they bend.",
        rows.len()
    )
}

fn back_feeding(out: &mut String, results: &Results, _: &Run) -> Written {
    let (Some(with), Some(without)) = (results.position(HARDENED), results.position(MAIN)) else { return Ok(()) };
    let (as_long, inside) = (results.position(AS_LONG), results.position(INSIDE));
    writeln!(
        out,
        "## Back-feeding\n\n\
         The hardened network learned from as many adversarial examples as digits: from a pool of x + s·r that the project's own search kept making \
         of it while it learned. *120 epochs*: the network without, trained for as many. *Hardened inside*: the same pool, of the first hidden \
         layer's output instead of the image, searched by the same search in the layers above.\n\n\
         | network | test error, %: paper | ours | train error, % | av. min. distortion | nearest of nine |\n|---|---|---|---|---|---|"
    )?;
    let (below, decay) = paper::BACK_FEEDING;
    let rows = [
        (Some(without), format!("{decay}")),
        (as_long, "–".into()),
        (inside, "–".into()),
        (Some(with), format!("below {below}")),
    ];
    for (k, paper) in rows.into_iter().filter_map(|(k, paper)| Some((k?, paper))) {
        writeln!(
            out,
            "| {} | {paper} | **{}** | {} | {:.4} | {:.4} |",
            results.networks[k],
            percent(results.errors[k].test),
            percent(train_error(results, k)),
            results.rows[k].distortion,
            results.nine[k].smallest
        )?;
    }
    writeln!(out, "\n**Does the conclusion hold?**\n")?;
    let test_error = |k: usize| 100.0 * results.errors[k].test;
    let hardened = test_error(with);
    let plain = test_error(as_long.unwrap_or(without));
    verdict(
        out,
        hardened < plain,
        "Back-feeding lowers the test error",
        &format!(
            "from {plain:.2} % to {hardened:.2} %{}",
            if as_long.is_some() { ", after as many epochs" } else { "" }
        ),
    )?;
    verdict(out, hardened < below, &format!("It falls below {below} %"), &format!("{hardened:.2} %"))?;
    let (far, near) = (results.rows[with].distortion, results.rows[without].distortion);
    verdict(
        out,
        far > near,
        "A hardened network needs larger changes",
        &format!("{far:.4} against {near:.4}, {:.1} times", far / near),
    )?;
    if let Some(inside) = inside.map(test_error) {
        verdict(
            out,
            inside < hardened,
            "Examples of a hidden layer are more useful than those of the image",
            &format!("{inside:.2} % against {hardened:.2} %"),
        )?;
    }
    Ok(())
}

fn units(out: &mut String, results: &Results, _: &Run) -> Written {
    writeln!(
        out,
        "## Units or directions\n\n\
         For every unit of a hidden layer of {MAIN}, the {TOP} of {} test images that activate it most; for as many random directions of the same layer, \
         the {TOP} with the largest projection. Label purity is the share of the most frequent digit among the {TOP}: 1 if they all show the same.\n\n\
         | layer | units | mean purity of units | of random directions | difference ± standard error |\n|---|---|---|---|---|",
        count(results.units.first().map_or(0, |u| u.images))
    )?;
    let mut differ = Vec::new();
    for layer in &results.units {
        let ((units, units_error), (directions, directions_error)) =
            (mean_and_error(&layer.unit_purity), mean_and_error(&layer.direction_purity));
        let (difference, error) = (units - directions, units_error.hypot(directions_error));
        differ.push((layer.layer, difference, error));
        writeln!(
            out,
            "| {} | {} | {units:.3} | {directions:.3} | {difference:+.3} ± {error:.3} |",
            layer.layer,
            layer.unit_purity.len()
        )?;
    }
    writeln!(out, "\n![units and directions](figures/units.svg)\n\n**Does the conclusion hold?**\n")?;
    for (layer, difference, error) in differ {
        let words = match difference / error {
            z if z.abs() <= 2.0 => "units and random directions cannot be told apart by this measure".to_string(),
            z if z > 0.0 => format!("units are purer, by {z:.1} standard errors"),
            z => format!("random directions are purer, by {:.1} standard errors", -z),
        };
        verdict(
            out,
            difference <= 2.0 * error,
            &format!("Layer {layer}: single units mean no more than directions"),
            &words,
        )?;
    }
    Ok(())
}

fn spectrum(out: &mut String, results: &Results, _: &Run) -> Written {
    writeln!(
        out,
        "## How much a perturbation can be amplified, and is\n\n\
         Per layer: the operator norm of W (× the Lipschitz constant of the activation), then the amplification of the difference that reached it, \
         ‖φₖ(x + r) − φₖ(x)‖ / ‖φₖ₋₁(x + r) − φₖ₋₁(x)‖, measured for searched r and for random r of the same norm; means over {} images.\n\n\
         | network | layer | bound | searched r | random r |\n|---|---|---|---|---|",
        count(results.spectrum.first().map_or(0, |s| s.images))
    )?;
    let mut within = true;
    let mut selective = 0;
    for (name, s) in results.networks.iter().zip(&results.spectrum) {
        for (k, bound) in s.bounds.iter().enumerate() {
            within &= s.adversarial[k] <= bound.product() && s.random[k] <= bound.product();
            writeln!(
                out,
                "| {name} | {} | {:.2} × {} | {:.3} | {:.3} |",
                k + 1,
                bound.norm,
                bound.lipschitz,
                s.adversarial[k],
                s.random[k]
            )?;
        }
        let product: f64 = s.bounds.iter().map(|b| b.product()).product();
        selective += usize::from(s.whole.0 > s.whole.1);
        writeln!(out, "| {name} | **all** | **{product:.1}** | **{:.2}** | **{:.2}** |", s.whole.0, s.whole.1)?;
    }
    writeln!(out, "\n**Does the conclusion hold?**\n")?;
    verdict(out, within, "No amplification exceeds its bound", "in any layer of any network")?;
    verdict(
        out,
        selective == results.spectrum.len(),
        "Searched perturbations are amplified more than random ones of the same size",
        &format!("in {selective} of {} networks", results.spectrum.len()),
    )?;
    let product = |s: &super::measure::Spectrum| s.bounds.iter().map(|b| b.product()).product::<f64>();
    let products = results.networks.iter().zip(results.spectrum.iter().map(product));
    let Some((name, least)) = products.min_by(|a, b| a.1.total_cmp(&b.1)) else { return Ok(()) };
    let what = if least > 1.0 {
        "no bound is small enough to exclude blind spots"
    } else {
        "every perturbation shrinks on its way to the logits there, and yet changes the answer where they lie close together"
    };
    writeln!(out, "- The smallest product of bounds is {least:.1}, of {name}: {what}.")
}

fn readings(out: &mut String, results: &Results, _: &Run) -> Written {
    writeln!(
        out,
        "## Readings of c, and of the loss\n\n\
         {MAIN}, {} test images. *weight*: the search over c alone. *scale*: one c, then the smallest s·r. *both*: the search over c, steps along the \
         boundary, then the scale. *any*: as both, with the untargeted loss.\n\n\
         | reading | succeeded | mean ‖r‖₂ | relative to both | evaluations, median | 90th percentile |\n|---|---|---|---|---|---|",
        count(results.readings.first().map_or(0, |r| r.searches))
    )?;
    for row in &results.readings {
        writeln!(
            out,
            "| {} | {} | {:.4} | {:.3} | {} | {} |",
            row.reading,
            share(row.succeeded as u32, row.searches as u32),
            row.norm,
            row.relative_norm,
            row.evaluations.0,
            row.evaluations.1
        )?;
    }
    let find = |name: &str| results.readings.iter().find(|r| r.reading == name);
    if let (Some(weight), Some(scale), Some(any)) = (find("weight"), find("scale"), find("any")) {
        let than = |ratio: f64| {
            format!("{:.1} % {}", 100.0 * (ratio - 1.0).abs(), if ratio > 1.0 { "larger" } else { "smaller" })
        };
        writeln!(
            out,
            "\n**What follows?** As a weight alone c gives an r that is {}; as a scale alone {}. Away from the label, to whichever other is \
             nearest, r is {}.",
            than(weight.relative_norm),
            than(scale.relative_norm),
            than(any.relative_norm)
        )?;
    }
    Ok(())
}

/// The error on what the network learned from: a half, if its name says so.
fn train_error(results: &Results, k: usize) -> f64 {
    let errors = &results.errors[k];
    match results.networks[k].as_str() {
        name if name.ends_with("(P1)") => errors.first_half,
        name if name.ends_with("(P2)") => errors.second_half,
        _ => (errors.first_half + errors.second_half) / 2.0,
    }
}

fn verdict(out: &mut String, holds: bool, claim: &str, numbers: &str) -> Written {
    writeln!(out, "- {claim}: **{}** ({numbers}).", if holds { "holds" } else { "does not hold here" })
}

fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len().max(2) as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

/// A number of the paper, marked if it is not confirmed.
fn printed(cell: Cell) -> String {
    format!("{}{}", cell.value, if cell.confirmed { "" } else { "\\*" })
}

/// A share in per cent; two digits after the point where they can matter.
fn percent(share: f64) -> String {
    let value = 100.0 * share;
    if value < 9.995 || value > 99.0 && value < 100.0 { format!("{value:.2}") } else { format!("{value:.1}") }
}

/// A share in per cent that may be very small.
fn small_percent(share: f64) -> String {
    let value = 100.0 * share;
    if value > 0.0 && value < 0.095 { format!("{value:.1e}") } else { format!("{value:.2}") }
}

fn share(part: u32, of: u32) -> String {
    let value = 100.0 * f64::from(part) / f64::from(of.max(1));
    if value > 0.0 && value < 0.1 { format!("{value:.4} %") } else { format!("{value:.1} %") }
}

/// A whole number with its thousands apart.
fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

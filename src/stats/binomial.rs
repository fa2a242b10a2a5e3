//! How large a rate may still be after what was counted: the exact upper bound of Clopper and Pearson.
//!
//! C. J. Clopper and E. S. Pearson 1934, <https://doi.org/10.1093/biomet/26.4.404>. For no event in `n` trials it is
//! 1 − 0.05^(1/n), about 3/n: the rule of three.

/// Halvings of the interval: the bound is exact to 2⁻⁵⁰.
const STEPS: u32 = 50;

/// The one-sided 95 % upper bound of a rate of which `events` were seen in `trials`; 1 where nothing was tried.
pub fn upper_bound(events: u64, trials: u64) -> f64 {
    if events >= trials {
        return 1.0;
    }
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..STEPS {
        let rate = (low + high) / 2.0;
        if at_most(events, trials, rate) > 0.05 {
            low = rate;
        } else {
            high = rate;
        }
    }
    high
}

/// Probability of at most so many events, for a rate strictly between 0 and 1.
fn at_most(events: u64, trials: u64, rate: f64) -> f64 {
    let (log_rate, log_rest) = (rate.ln(), (1.0 - rate).ln());
    let mut log_term = trials as f64 * log_rest;
    let mut sum = log_term.exp();
    for event in 1..=events {
        log_term += ((trials - event + 1) as f64 / event as f64).ln() + log_rate - log_rest;
        sum += log_term.exp();
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-9
    }

    #[test]
    fn no_event_gives_the_closed_form() {
        for trials in [1, 20, 200, 1_000] {
            let exact = 1.0 - 0.05_f64.powf(1.0 / trials as f64);
            assert!(near(upper_bound(0, trials), exact), "{trials}");
        }
        assert!(upper_bound(0, 200) < 3.0 / 200.0);
    }

    #[test]
    fn some_events_agree_with_published_values() {
        // Upper ends of two-sided 90 % intervals, which are the one-sided 95 % bounds.
        assert!((upper_bound(1, 10) - 0.3942).abs() < 1e-4);
        assert!((upper_bound(5, 10) - 0.7776).abs() < 1e-4);
    }

    #[test]
    fn nothing_tried_or_nothing_spared_excludes_nothing() {
        assert!(near(upper_bound(0, 0), 1.0));
        assert!(near(upper_bound(3, 3), 1.0));
    }
}

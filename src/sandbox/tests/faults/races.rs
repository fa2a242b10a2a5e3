//! Races: nothing shows where requests come one by one, and something does where two are under way.

use std::sync::{Arc, Barrier};
use std::time::Duration;

use super::*;

/// Sends two requests at once, again and again, until what is seen of them tells; false if it never does.
fn meets(id: &str, requests: [Request; 2], tells: impl Fn(&Server, [Response; 2]) -> bool) -> bool {
    (0..20).any(|_| {
        let server = match id {
            "" => server(),
            id => with_defect(id),
        };
        put(&server, &patient("a", "Ada"));
        let server = Arc::new(server);
        let barrier = Barrier::new(2);
        let answers = std::thread::scope(|scope| {
            let threads = requests.each_ref().map(|request| {
                scope.spawn(|| {
                    barrier.wait();
                    server.handle(request)
                })
            });
            threads.map(|thread| thread.join().unwrap())
        });
        tells(&server, answers)
    })
}

fn update(family: &str) -> Request {
    Request::new(Method::Put, "Patient/a").with_json(&patient("a", family))
}

fn writing(family: &str, count: usize) -> Request {
    let made =
        (0..count).map(|number| ("POST", "Patient", patient(&format!("{number}"), family), ""));
    let mut entries: Vec<_> = made.collect();
    entries.push(("PUT", "Patient/a", patient("a", family), ""));
    Request::new(Method::Post, "").with_json(&bundle("transaction", &entries))
}

#[test]
fn updates_deadlock_or_stick_when_they_meet() {
    let both = || [update("Eva"), update("Ida")];
    let crashed =
        |_: &Server, answers: [Response; 2]| answers.iter().any(|answer| answer.status == 500);
    assert!(meets("update-deadlock", both(), crashed) && !meets("", both(), crashed));
    let stuck = |server: &Server, _: [Response; 2]| server.handle(&update("Ada")).status == 409;
    assert!(meets("update-sticks", both(), stuck) && !meets("", both(), stuck));
    for id in ["update-deadlock", "update-sticks", "update-sticks@0.1ms"] {
        let server = with_defect(id);
        let statuses = [(); 3].map(|()| server.handle(&update("Eva")).status);
        assert_eq!(statuses, [201, 200, 200], "{id}");
    }
}

#[test]
fn bundles_deadlock_or_exchange_their_answers() {
    let both = || [writing("Eva", 1), writing("Ida", 2)];
    let crashed =
        |_: &Server, answers: [Response; 2]| answers.iter().any(|answer| answer.status == 500);
    assert!(meets("bundle-deadlock", both(), crashed) && !meets("", both(), crashed));
    let mixed = |_: &Server, answers: [Response; 2]| {
        let lengths = answers.map(|answer| json(&answer)["entry"].as_array().unwrap().len());
        lengths != [2, 3]
    };
    assert!(meets("bundle-answers-mixed", both(), mixed) && !meets("", both(), mixed));
    for id in [
        "bundle-deadlock",
        "bundle-answers-mixed",
        "transaction-not-isolated",
    ] {
        let server = with_defect(id);
        assert_eq!(server.handle(&writing("Eva", 1)).status, 200, "{id}");
    }
}

/// Looks again and again while a transaction that makes two resources and changes a third is carried out: true if one or
/// two of the three were seen.
fn is_seen_half_done(server: &Server) -> bool {
    put(server, &patient("a", "Ada"));
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| server.handle(&writing("Eva", 2)));
        loop {
            let is_over = writer.is_finished();
            let seen = server.handle(&Request::get("Patient?family=eva"));
            match json(&seen)["total"].as_u64() {
                Some(1 | 2) => break true,
                _ if is_over => break false,
                // The writer needs the lock too.
                _ => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    })
}

#[test]
fn a_transaction_is_seen_half_done() {
    assert!(is_seen_half_done(&with_defect("transaction-not-isolated")));
    assert!(!is_seen_half_done(&server()));
}

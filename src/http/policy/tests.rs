//! Pacing on a clock that stands still unless someone waits, so that the counts are exact on any machine.

use super::*;
use crate::clock::SystemClock;
use crate::http::message::Headers;
use crate::http::scripted::Scripted;

/// An endpoint that answers by the number of the request, from 0.
fn wire(answer: fn(usize) -> Response) -> Arc<Scripted> {
    Scripted::new("http://h.example/r4", move |number, _, _| answer(number))
}

fn response(status: u16, retry_after: Option<&str>) -> Response {
    Response {
        status,
        version: "HTTP/1.1",
        headers: retry_after
            .map(|value| ("retry-after", value))
            .into_iter()
            .collect::<Headers>(),
        body: bytes::Bytes::new(),
    }
}

const FREE: Terms = Terms {
    writes: false,
    rate: None,
    max_requests: None,
    in_flight: None,
    validate_is_safe: false,
};

fn policed(wire: &Arc<Scripted>, terms: Terms) -> Policed<Scripted> {
    Policed::new(Arc::clone(wire), terms, Arc::new(SystemClock::new()))
}

fn is_refused(exchange: &Exchange) -> bool {
    exchange
        .outcome
        .as_ref()
        .is_err_and(|failure| failure.kind == FailureKind::Refused)
}

#[tokio::test(start_paused = true)]
async fn no_second_holds_more_requests_than_the_rate() {
    let wire = wire(|_| response(200, None));
    let terms = Terms {
        rate: Some(5.0),
        ..FREE
    };
    let policed = Arc::new(policed(&wire, terms));
    let tasks: Vec<_> = (0..40)
        .map(|_| {
            let policed = Arc::clone(&policed);
            tokio::spawn(async move { policed.send(Request::get("metadata")).await })
        })
        .collect();
    let mut longest = Duration::ZERO;
    for task in tasks {
        longest = longest.max(task.await.unwrap().timings.queued);
    }
    let times = wire.times();
    assert_eq!(times.len(), 40);
    for (index, start) in times.iter().enumerate() {
        let within = times[index..]
            .iter()
            .filter(|time| **time - *start <= Duration::from_secs(1))
            .count();
        assert!(within <= 5, "{within} requests within one second");
    }
    // 39 intervals of 204 ms: not slower than it must be either.
    assert!(times[39] < Duration::from_millis(39 * 206));
    assert_eq!(longest.as_millis(), times[39].as_millis());
}

#[tokio::test(start_paused = true)]
async fn retry_after_holds_later_requests_back_and_resends_nothing() {
    let wire = wire(|number| match number {
        0 => response(429, Some("7")),
        1 => response(503, None),
        2 => response(429, None),
        _ => response(200, None),
    });
    let policed = policed(&wire, FREE);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(policed.send(Request::get("metadata")).await.status());
    }
    assert_eq!(statuses, [Some(429), Some(503), Some(429), Some(200)]);
    let seconds: Vec<u64> = wire.times().iter().map(Duration::as_secs).collect();
    assert_eq!(seconds, [0, 7, 7, 8]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_wants_an_hour_of_silence_gets_it() {
    let wire = wire(|_| response(503, Some("3600")));
    let policed = policed(&wire, FREE);
    policed.send(Request::get("metadata")).await;
    assert!(is_refused(&policed.send(Request::get("metadata")).await));
    assert_eq!(wire.times().len(), 1);
}

#[tokio::test]
async fn writes_are_refused_where_they_are_not_allowed_and_post_searches_are_not_writes() {
    let wire = wire(|_| response(200, None));
    let reading = policed(&wire, FREE);
    for method in [Method::Post, Method::Put, Method::Patch, Method::Delete] {
        let exchange = reading.send(Request::new(method, "Patient/1")).await;
        assert!(is_refused(&exchange));
    }
    assert!(wire.times().is_empty());
    reading
        .send(Request::new(Method::Post, "Patient/_search?_count=1"))
        .await;
    let terms = Terms {
        writes: true,
        ..FREE
    };
    policed(&wire, terms)
        .send(Request::new(Method::Delete, "Patient/1"))
        .await;
    assert_eq!(wire.times().len(), 2);
}

#[tokio::test]
async fn the_budget_is_never_exceeded() {
    let wire = wire(|_| response(200, None));
    let terms = Terms {
        max_requests: Some(3),
        ..FREE
    };
    let policed = policed(&wire, terms);
    for number in 0..5 {
        let exchange = policed.send(Request::get("metadata")).await;
        assert_eq!(is_refused(&exchange), number >= 3);
    }
    assert_eq!((wire.times().len(), policed.sent()), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_spent_budget_stops_everything_but_the_removal_of_what_was_created() {
    let wire = wire(|_| response(204, None));
    let terms = Terms {
        writes: true,
        max_requests: Some(1),
        ..FREE
    };
    let policed = policed(&wire, terms);
    let delete = || Request::new(Method::Delete, "Patient/1");
    assert!(!is_refused(&policed.send(Request::get("metadata")).await));
    assert!(is_refused(&policed.send(delete()).await));
    policed.begin_cleanup();
    assert!(!is_refused(&policed.send(delete()).await));
    assert!(is_refused(&policed.send(Request::get("metadata")).await));
}

#[tokio::test(start_paused = true)]
async fn validate_is_a_write_unless_the_owner_says_that_it_is_safe() {
    let wire = wire(|_| response(200, None));
    let validate = || Request::new(Method::Post, "Patient/$validate?mode=create");
    assert!(is_refused(&policed(&wire, FREE).send(validate()).await));
    let terms = Terms {
        validate_is_safe: true,
        ..FREE
    };
    let policed = policed(&wire, terms);
    assert!(!is_refused(&policed.send(validate()).await));
    let other = Request::new(Method::Post, "Patient/$process");
    assert!(is_refused(&policed.send(other).await));
}

/// Every connection to it was idle for too long.
struct Stale(Url);

impl Transport for Stale {
    fn send(&self, request: Request) -> Sending<'_> {
        Box::pin(async move {
            Exchange {
                number: 0,
                request,
                outcome: Err(Failure {
                    kind: FailureKind::Stale,
                    message: String::new(),
                }),
                timings: Timings::default(),
                translated: None,
            }
        })
    }

    fn base(&self) -> &Url {
        &self.0
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_once_more_is_paid_for_and_only_once() {
    let wire = Arc::new(Stale(Url::parse("http://h.example/r4").unwrap()));
    let terms = Terms {
        writes: true,
        max_requests: Some(4),
        ..FREE
    };
    let policed = Policed::new(wire, terms, Arc::new(SystemClock::new()));
    policed.send(Request::get("Patient/a")).await;
    assert_eq!((policed.sent(), policed.resent()), (2, 1));
    policed.send(Request::new(Method::Put, "Patient/a")).await;
    assert_eq!((policed.sent(), policed.resent()), (3, 1));
    // The budget has room for one more, not for its repetition.
    policed.send(Request::get("Patient/a")).await;
    assert_eq!((policed.sent(), policed.resent()), (4, 1));
}

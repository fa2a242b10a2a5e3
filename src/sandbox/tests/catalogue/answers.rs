//! Faults of letters outside ASCII and of answers that are not of now.

use super::*;

#[test]
fn letters_outside_ascii_are_garbled() {
    let body = |server: &Server, url: &str| {
        put(server, &patient("a", "Müller"));
        get(server, url).body
    };
    let has = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|found| found == part);
    let (right, garbled) = ("Müller".as_bytes(), "MÃ¼ller".as_bytes());
    for url in ["Patient/a", "Patient?_id=a"] {
        assert!(has(&body(&server(), url), right), "{url}");
        let bytes = body(&with_defect("latin-bytes"), url);
        assert!(
            std::str::from_utf8(&bytes).is_err() && has(&bytes, b"M\xfcller"),
            "{url}"
        );
    }
    let garbles = with_defect("read-as-latin");
    assert!(has(&body(&garbles, "Patient/a"), garbled));
    assert!(has(&body(&garbles, "Patient?_id=a"), right));
}

#[test]
fn xml_holds_a_character_that_it_must_not() {
    let read = |server: &Server| {
        let mut ada = patient("a", "Ada");
        ada["name"][0]["text"] = json!("A\u{fffe}B");
        put(server, &ada);
        let response = get(server, "Patient/a?_format=xml");
        (
            response.status,
            String::from_utf8_lossy(&response.body).contains('\u{fffe}'),
        )
    };
    assert_eq!(read(&server()), (406, false));
    assert_eq!(
        read(&with_defect("forbidden-character-in-xml")),
        (200, true)
    );
}

#[test]
fn an_answer_is_given_again_after_a_write() {
    let seen = |server: &Server| {
        put(server, &patient("a", "Ada"));
        assert_eq!(ids(server, "Patient?family=ada"), ["a"]);
        put(server, &patient("b", "Ada"));
        let fresh = Request::get("Patient?family=ada").with_header("Cache-Control", "no-cache");
        ids_of(&json(&server.handle(&fresh)), "match").len()
    };
    assert_eq!(seen(&server()), 2);
    assert_eq!(seen(&with_defect("search-cached")), 1);
}

#[test]
fn a_deleted_resource_can_be_read_again() {
    let read = |server: &Server, before: bool| {
        put(server, &patient("a", "Ada"));
        if before {
            get(server, "Patient/a");
        }
        server.handle(&Request::new(Method::Delete, "Patient/a"));
        get(server, "Patient/a").status
    };
    assert_eq!(read(&server(), true), 410);
    let id = "read-cached-after-delete";
    assert_eq!(
        (read(&with_defect(id), true), read(&with_defect(id), false)),
        (200, 410)
    );
}

#[test]
fn of_equal_searches_at_one_time_one_gets_a_part() {
    let parts = |server: Server| {
        for id in ["a", "b", "c", "d"] {
            put(&server, &patient(id, "Ada"));
        }
        let server = Arc::new(server);
        let barrier = Arc::new(std::sync::Barrier::new(4));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (server, barrier) = (Arc::clone(&server), Arc::clone(&barrier));
                std::thread::spawn(move || {
                    barrier.wait();
                    ids(&server, "Patient").len()
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .any(|found| found < 4)
    };
    assert!(!parts(server()));
    assert!((0..ROUNDS).any(|_| parts(with_defect("search-cache-race"))));
}

//! Memory use is bounded.

use std::time::Duration;

use super::{
    behaviors::{endless, endless_pages, lists},
    kubeconfig,
};
use crate::{
    hostile::peer::{Answer, Peer, hang_up, json},
    tool::meshdoctor,
};

/// The peak memory of a process so far, in KiB, as the kernel records it.
fn peak(pid: u32) -> Option<usize> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").trim().parse().ok()
}

#[test]
fn memory_is_bounded_for_any_api_server_response() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let hostile: [(&str, Answer); 5] = [
        ("an endless body", |_, to| endless(to)),
        ("endless lists", |request, to| lists(request, to, endless)),
        ("endless paging", endless_pages),
        ("a list of 600 MB", |request, to| {
            lists(request, to, |to| {
                to.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
                let item = [b"10000\r\n".as_slice(), b"{".repeat(65536).as_slice(), b"\r\n"].concat();
                for _ in 0..9600 {
                    to.write_all(&item)?;
                }
                hang_up()
            })
        }),
        ("a list of very many empty objects", |request, to| {
            lists(request, to, |to| {
                let items = "{},".repeat(5_000_000);
                json(to, 200, &format!("{{\"metadata\":{{}},\"items\":[{items}{{}}]}}"))
            })
        }),
    ];
    for (name, answer) in hostile {
        let peer = Peer::start(answer);
        let path = kubeconfig(folder.path(), &format!("http://{}", peer.endpoint()));
        let (sender, receiver) = std::sync::mpsc::channel();
        let watcher = std::thread::spawn(move || {
            let pid = receiver.recv().expect("a process");
            let mut most = 0;
            while let Some(now) = peak(pid) {
                most = most.max(now);
                std::thread::sleep(Duration::from_millis(2));
            }
            most
        });
        let ran = meshdoctor("system check -o json --timeout=40s")
            .kubeconfig(&path)
            .run_with_pid(move |pid| sender.send(pid).expect("a watcher"))
            .exits(3);
        let most = watcher.join().expect("the most memory");
        // 64 MiB, plus the responses that are kept at the same time.
        let bound = (64 + 20) * 1024;
        assert!(most > 0 && most < bound, "{name}: {most} KiB");
        let report = ran.json();
        let found = report["findings"].as_array().into_iter().flatten();
        let mut codes = found.map(|finding| &finding["code"]);
        assert!(codes.any(|code| code == "answer-too-large"), "{name}: {report:#}");
    }
}

//! The ACLs that docs/SECURITY.md says to grant, and the request that grants them: no client for Rust has it.

use std::io::{Read, Write};
use std::net::TcpStream;

/// An operation on a resource, in the words of the documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acl {
    pub operation: String,
    /// topic, group, transactional id or cluster.
    pub resource: String,
    /// With the names of the default configuration.
    pub name: String,
    pub is_prefix: bool,
}

/// What the documentation's table has for a verb.
pub fn documented(verb: &str) -> Vec<Acl> {
    let document = include_str!("../../docs/SECURITY.md");
    let rows = document.lines().filter(|line| line.starts_with(&format!("| `{verb}` |")));
    let acls: Vec<Acl> = rows.flat_map(of_row).collect();
    assert!(!acls.is_empty(), "the table has no row for {verb}");
    acls
}

/// | `verb` | Operation, Operation | resources `name`, `name` |
fn of_row(row: &str) -> Vec<Acl> {
    let [_, _, operations, on, _] = row.split('|').collect::<Vec<_>>()[..] else { panic!("not a row: {row}") };
    let resource = ["topic", "group", "transactional id", "cluster"];
    let resource = resource.iter().find(|kind| on.trim().starts_with(**kind)).unwrap();
    // Every second piece stands between backticks; flags do too.
    let names = on.split('`').skip(1).step_by(2).filter(|name| !name.starts_with("--"));
    let acl = |operation: &str, name: &str| Acl {
        operation: operation.trim().to_owned(),
        resource: (*resource).to_owned(),
        name: name.to_owned(),
        is_prefix: on.contains("begin with"),
    };
    names.flat_map(|name| operations.split(',').map(move |operation| acl(operation, name))).collect()
}

/// Grants these to a user, at a listener where everybody may.
pub fn grant(admin: &str, user: &str, acls: &[Acl]) {
    let mut request = Vec::new();
    // CreateAcls, version 1, with a correlation id and no client id.
    request.extend(30_i16.to_be_bytes());
    request.extend(1_i16.to_be_bytes());
    request.extend(7_i32.to_be_bytes());
    request.extend((-1_i16).to_be_bytes());
    request.extend(i32::try_from(acls.len()).unwrap().to_be_bytes());
    for acl in acls {
        request.push(code(&acl.resource, &[("topic", 2), ("group", 3), ("cluster", 4), ("transactional id", 5)]));
        put(&mut request, &acl.name);
        request.push(if acl.is_prefix { 4 } else { 3 });
        put(&mut request, &format!("User:{user}"));
        put(&mut request, "*");
        let operations = [("Read", 3), ("Write", 4), ("Create", 5), ("Describe", 8), ("DescribeConfigs", 10)];
        request.push(code(&acl.operation, &operations));
        // Allow.
        request.push(3);
    }
    let mut stream = TcpStream::connect(admin).unwrap();
    stream.write_all(&i32::try_from(request.len()).unwrap().to_be_bytes()).unwrap();
    stream.write_all(&request).unwrap();
    let mut size = [0; 4];
    stream.read_exact(&mut size).unwrap();
    let mut answer = vec![0; usize::try_from(i32::from_be_bytes(size)).unwrap()];
    stream.read_exact(&mut answer).unwrap();
    // Correlation id, throttle time and number of results; a success is a code of 0 and an empty message.
    let results = &answer[12..];
    assert!(results.iter().all(|byte| *byte == 0), "the broker refuses ACLs: {}", String::from_utf8_lossy(results));
}

fn code(word: &str, codes: &[(&str, u8)]) -> u8 {
    codes.iter().find(|(name, _)| *name == word).unwrap_or_else(|| panic!("unknown to this test: {word}")).1
}

fn put(request: &mut Vec<u8>, text: &str) {
    request.extend(i16::try_from(text.len()).unwrap().to_be_bytes());
    request.extend(text.as_bytes());
}

//! Checks the structure of `src/`: ten entries, imports in one direction, no cycles, short files.
//!
//! A re-export counts as the module that defines the item. A folder and its `mod.rs` are one module. The modules within
//! each folder are checked against each other, at every depth.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The entries of `src/`. Each may import from the entries after it.
const ENTRIES: [&str; 10] =
    ["main", "lib", "cli", "repair", "observe", "cluster", "diagnose", "facts", "report", "stack"];

/// The maximum length of a file, in lines.
const LINES: usize = 500;

/// A module by its path, such as `["cli", "verbs"]`. The path of the crate's root is empty.
type Module = Vec<String>;

/// One place where a module refers to another.
struct Import {
    from: Module,
    to: Module,
    shown: String,
}

/// A path as written in one file.
struct Written {
    from: Module,
    path: Module,
    line: usize,
    exported: Option<String>,
}

/// The modules of the source and the paths between them.
#[derive(Default)]
struct Source {
    files: BTreeMap<Module, PathBuf>,
    exports: BTreeMap<(Module, String), Module>,
    written: Vec<Written>,
}

impl Source {
    fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut source = Self::default();
        for file in files(&root) {
            let module = module_of(file.strip_prefix(&root).expect("a file below src"));
            // The binary's root only calls the library.
            if module != ["main"] {
                source.files.insert(module, file);
            }
        }
        for (module, file) in &source.files {
            let text = fs::read_to_string(file).expect("a readable file");
            let tokens: TokenStream = text.parse().expect("Rust");
            let mut reader = Reader {
                module: module.clone(),
                inner: Vec::new(),
                modules: &source.files,
                found: Vec::new(),
                imported: BTreeMap::new(),
                bare: Vec::new(),
            };
            reader.read(&tokens.into_iter().collect::<Vec<_>>());
            reader.resolve_imported();
            source.written.append(&mut reader.found);
        }
        for written in &source.written {
            if let Some(name) = &written.exported {
                source.exports.insert((written.from.clone(), name.clone()), written.path.clone());
            }
        }
        source
    }

    /// Every use of another module. Re-exports are resolved to the module that defines the item.
    fn imports(&self) -> Vec<Import> {
        let used = self.written.iter().filter(|used| used.exported.is_none());
        used.map(|used| {
            let path = used.path.join("::");
            let file = self.files[&used.from].display();
            Import {
                from: used.from.clone(),
                to: self.defining(&used.path),
                shown: format!("{file}:{}: crate::{path}", used.line),
            }
        })
        .filter(|import| import.from != import.to)
        .collect()
    }

    fn defining(&self, path: &[String]) -> Module {
        let mut path = path.to_vec();
        // A chain of re-exports is short. The limit only stops a cycle.
        for _ in 0..8 {
            let length =
                (0..=path.len()).rev().find(|length| self.files.contains_key(&path[..*length])).unwrap_or_default();
            let export = path.get(length).and_then(|name| self.exports.get(&(path[..length].to_vec(), name.clone())));
            match export {
                Some(target) => path = [target, &path[length + 1..]].concat(),
                None => return path[..length].to_vec(),
            }
        }
        panic!("a cycle of re-exports at {}", path.join("::"))
    }
}

/// Extracts the paths from the tokens of one file.
struct Reader<'a> {
    module: Module,
    /// The inline modules around the current position.
    inner: Module,
    modules: &'a BTreeMap<Module, PathBuf>,
    found: Vec<Written>,
    /// What the file imports, by its local name.
    imported: BTreeMap<String, Module>,
    /// Paths in the code that begin with a plain name, with their lines.
    bare: Vec<(Module, usize)>,
}

impl Reader<'_> {
    fn read(&mut self, tokens: &[TokenTree]) {
        let mut at = 0;
        while at < tokens.len() {
            at += match &tokens[at] {
                TokenTree::Ident(word) if word == "use" => self.import(tokens, at),
                TokenTree::Ident(word) if word == "mod" => self.inline(tokens, at),
                TokenTree::Ident(_) => self.path(tokens, at),
                TokenTree::Group(group) => {
                    self.read(&group.stream().into_iter().collect::<Vec<_>>());
                    1
                }
                _ => 1,
            };
        }
    }

    /// An inline module.
    fn inline(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(body))) = (tokens.get(at + 1), tokens.get(at + 2))
        else {
            return 1;
        };
        self.inner.push(name.to_string());
        self.read(&body.stream().into_iter().collect::<Vec<_>>());
        self.inner.pop();
        3
    }

    /// A `use` with everything that it names.
    fn import(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let end = tokens[at..].iter().position(|token| is(token, ';'));
        // `use<'a>` in a bound is not an import.
        let Some(end) = end.filter(|_| !tokens.get(at + 1).is_some_and(|next| is(next, '<'))) else {
            return 1;
        };
        let exports = match at.checked_sub(1).map(|before| &tokens[before]) {
            Some(TokenTree::Ident(word)) => word == "pub",
            Some(TokenTree::Group(group)) => {
                group.delimiter() == Delimiter::Parenthesis
                    && matches!(at.checked_sub(2).map(|b| &tokens[b]), Some(TokenTree::Ident(w)) if w == "pub")
            }
            _ => false,
        };
        self.tree(&tokens[at + 1..at + end], &[], exports && self.inner.is_empty());
        end + 1
    }

    fn tree(&mut self, tokens: &[TokenTree], before: &[String], exports: bool) {
        let mut path = before.to_vec();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => {
                    let inside: Vec<TokenTree> = group.stream().into_iter().collect();
                    for part in inside.split(|token| is(token, ',')) {
                        self.tree(part, &path, exports);
                    }
                    return;
                }
                TokenTree::Ident(word) if word == "as" => break,
                TokenTree::Ident(word) => path.push(word.to_string()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            at += 1;
        }
        let Some(first) = tokens.first() else { return };
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let alias = match tokens.get(at + 1) {
            Some(TokenTree::Ident(name)) => Some(name.to_string()),
            _ => path.last().cloned(),
        };
        let line = first.span().start().line;
        let before = self.found.len();
        self.note(&path, line, alias.clone().filter(|_| exports));
        if let (Some(alias), Some(written)) = (alias, self.found.get(before)) {
            self.imported.insert(alias, written.path.clone());
        }
    }

    /// Completes the paths that begin with an imported name.
    fn resolve_imported(&mut self) {
        for (path, line) in std::mem::take(&mut self.bare) {
            if let Some(start) = self.imported.get(&path[0]) {
                self.found.push(Written {
                    from: self.module.clone(),
                    path: [start, &path[1..]].concat(),
                    line,
                    exported: None,
                });
            }
        }
    }

    /// A path in the code.
    fn path(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let mut path = Vec::new();
        let mut end = at;
        while let Some(TokenTree::Ident(word)) = tokens.get(end) {
            path.push(word.to_string());
            let colons = tokens.get(end + 1).is_some_and(|token| is(token, ':'))
                && tokens.get(end + 2).is_some_and(|token| is(token, ':'));
            if !colons {
                break;
            }
            end += 3;
        }
        if path.len() > 1 {
            self.note(&path, tokens[at].span().start().line, None);
        }
        (end + 1 - at).max(1)
    }

    fn note(&mut self, path: &[String], line: usize, exported: Option<String>) {
        let here = [&self.module[..], &self.inner[..]].concat();
        let mut rest = path;
        let mut absolute = match path.first().map(String::as_str) {
            Some("crate") => {
                rest = &path[1..];
                Vec::new()
            }
            Some("self" | "super") => {
                let mut base = here;
                while let Some(word @ ("self" | "super")) = rest.first().map(String::as_str) {
                    if word == "super" {
                        base.pop();
                    }
                    rest = &rest[1..];
                }
                base
            }
            Some(first) if self.modules.contains_key(&[&here[..], &[first.to_owned()]].concat()) => here,
            _ => {
                self.bare.push((path.to_vec(), line));
                return;
            }
        };
        absolute.extend_from_slice(rest);
        self.found.push(Written { from: self.module.clone(), path: absolute, line, exported });
    }
}

fn is(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a readable folder");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let of = |path: PathBuf| {
        if path.is_dir() { files(&path) } else { vec![path] }
    };
    let all = paths.into_iter().flat_map(of);
    all.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

fn module_of(file: &Path) -> Module {
    let plain = file.with_extension("");
    let mut module: Module = plain.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if module.last().is_some_and(|last| last == "mod") || module == ["lib"] {
        module.pop();
    }
    module
}

/// The position of a module's entry in the order.
fn place(module: &[String]) -> Option<usize> {
    let entry = module.first().map_or("lib", String::as_str);
    ENTRIES.iter().position(|known| *known == entry)
}

#[test]
fn imports_between_entries_go_one_way() {
    let mut against_order = String::new();
    for import in Source::read().imports() {
        if let (Some(from), Some(to)) = (place(&import.from), place(&import.to))
            && to < from
        {
            let _ = writeln!(against_order, "{} uses {}", import.shown, ENTRIES[to]);
        }
    }
    assert!(against_order.is_empty(), "imports against the order of the entries:\n{against_order}");
}

#[test]
fn no_folder_has_an_import_cycle() {
    let source = Source::read();
    let imports = source.imports();
    let mut cycles = String::new();
    let mut folders: BTreeSet<&[String]> = BTreeSet::new();
    for module in source.files.keys() {
        folders.extend((0..module.len()).map(|length| &module[..length]));
    }
    for folder in folders {
        let depth = folder.len();
        let mut uses: BTreeMap<&str, BTreeMap<&str, Vec<&str>>> = BTreeMap::new();
        for import in &imports {
            let inside = |module: &[String]| module.len() > depth && module.starts_with(folder);
            if inside(&import.from) && inside(&import.to) && import.from[depth] != import.to[depth] {
                let of = uses.entry(&import.from[depth]).or_default();
                of.entry(&import.to[depth]).or_default().push(&import.shown);
            }
        }
        let reached: BTreeMap<&str, BTreeSet<&str>> =
            uses.keys().map(|start| (*start, reachable(start, &uses))).collect();
        for (from, targets) in &uses {
            for (to, places) in targets {
                if reached.get(to).is_some_and(|from_there| from_there.contains(from)) {
                    let places = places.join("\n    ");
                    let folder = folder.join("/");
                    let _ = writeln!(cycles, "src/{folder}: {from} uses {to}\n    {places}");
                }
            }
        }
    }
    assert!(cycles.is_empty(), "import cycles:\n{cycles}");
}

fn reachable<'a>(start: &str, uses: &BTreeMap<&'a str, BTreeMap<&'a str, Vec<&str>>>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open = vec![start];
    while let Some(one) = open.pop() {
        for next in uses.get(one).into_iter().flat_map(BTreeMap::keys) {
            if found.insert(*next) {
                open.push(next);
            }
        }
    }
    found
}

#[test]
fn src_has_its_ten_entries() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let entries = fs::read_dir(folder).expect("src");
    let names: BTreeSet<String> = entries
        .map(|entry| entry.expect("an entry").path().with_extension(""))
        .map(|path| path.file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    assert_eq!(names, ENTRIES.map(str::to_owned).into());
}

#[test]
fn files_stay_below_the_line_limit() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut long = String::new();
    for file in files(&folder) {
        let lines = fs::read_to_string(&file).expect("a readable file").lines().count();
        if lines > LINES {
            let _ = writeln!(long, "{}: {lines} lines", file.display());
        }
    }
    assert!(long.is_empty(), "files over {LINES} lines:\n{long}");
}

/// What only Unix has.
const UNIX_ONLY: &str = "os::unix os::linux os::fd signal::unix rustix libc:: nix:: process_group PermissionsExt \
    \"/proc \"/dev/";

#[test]
fn unix_api_is_used_in_one_module_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let here = ["stack/base/os", "stack/base/os_tests.rs"].map(|place| root.join(place));
    let mut wrong = String::new();
    let mut used = 0;
    for file in files(&root) {
        let text = fs::read_to_string(&file).expect("a readable file");
        for word in UNIX_ONLY.split(' ').filter(|word| text.contains(word)) {
            if here.iter().any(|place| file.starts_with(place)) {
                used += 1;
            } else {
                let _ = writeln!(wrong, "{}: {word}", file.display());
            }
        }
    }
    assert!(wrong.is_empty(), "API of Unix elsewhere:\n{wrong}");
    assert!(used > 0, "it is nowhere");
}

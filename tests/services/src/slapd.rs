//! A real OpenLDAP server, started by a test: a process of its own on free loopback ports, with a small tree and a
//! certificate of the test's own authority.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rcgen::{BasicConstraints, DnType, IsCa, Issuer, KeyPair};
pub use rcgen::{CertificateParams, date_time_ymd};
use tempfile::TempDir;

/// Below which the people stand.
pub const PEOPLE: &str = "ou=people,dc=example,dc=com";
/// Below which the groups stand.
pub const GROUPS: &str = "ou=groups,dc=example,dc=com";
/// An account that may read.
pub const READER: &str = "cn=reader,dc=example,dc=com";
/// Its password.
pub const PASSWORD: &str = "a very particular password";

/// Whether there is an OpenLDAP server on this machine; if not, says so.
///
/// # Panics
///
/// If there is none and services are required.
#[must_use]
pub fn is_installed() -> bool {
    let found = program("slapd").is_some() && program("slapadd").is_some();
    if !found {
        crate::missing("slapd (Debian: apt-get install slapd)");
    }
    found
}

fn program(name: &str) -> Option<String> {
    ["/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/bin"]
        .map(|directory| format!("{directory}/{name}"))
        .into_iter()
        .find(|path| fs::exists(path).unwrap_or_default())
}

/// What is in the tree.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    people: Vec<Person>,
    groups: Vec<Group>,
    access: Vec<String>,
}

#[derive(Debug, Clone)]
struct Person {
    names: Vec<String>,
    disabled: bool,
    member_of: Vec<usize>,
    primary_group: Option<usize>,
    gid: Option<u32>,
}

#[derive(Debug, Clone)]
struct Group {
    name: String,
    people: Vec<usize>,
    groups: Vec<usize>,
    /// For a `posixGroup`, which lists the names of people and no groups.
    gid: Option<u32>,
}

impl Tree {
    /// Adds somebody with these names (`uid`), of whom there is usually one, and says which person it is.
    pub fn person(&mut self, names: &[&str], disabled: bool) -> usize {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        self.people.push(Person { names, disabled, member_of: Vec::new(), primary_group: None, gid: None });
        self.people.len() - 1
    }

    /// Adds a group (`cn`) of these people and these groups, and says which it is.
    pub fn group(&mut self, name: &str, people: &[usize], groups: &[usize]) -> usize {
        let (people_in, groups) = (people.to_vec(), groups.to_vec());
        self.groups.push(Group { name: name.to_owned(), people: people_in, groups, gid: None });
        let number = self.groups.len() - 1;
        for &person in people {
            self.people[person].member_of.push(number);
        }
        number
    }

    /// Makes a group a member of another one that is there already: of itself, if need be.
    pub fn nest(&mut self, inner: usize, outer: usize) {
        self.groups[outer].groups.push(inner);
    }

    /// Makes a group somebody's primary one, as Active Directory keeps it.
    pub fn primary_group(&mut self, person: usize, group: usize) {
        self.people[person].primary_group = Some(group);
    }

    /// Adds a `posixGroup` with this `gidNumber` that lists these people by `memberUid`, and says which it is.
    pub fn posix_group(&mut self, name: &str, gid: u32, people: &[usize]) -> usize {
        let number = self.group(name, people, &[]);
        self.groups[number].gid = Some(gid);
        number
    }

    /// Makes somebody a `posixAccount` with this `gidNumber`.
    pub fn gid(&mut self, person: usize, gid: u32) {
        self.people[person].gid = Some(gid);
    }

    /// A rule of access (`slapd.access(5)`, without the word `access`) that goes before those that let the reader read.
    pub fn access(&mut self, rule: impl Into<String>) {
        self.access.push(rule.into());
    }

    fn ldif(&self) -> String {
        let mut ldif = String::new();
        entry(
            &mut ldif,
            "dc=example,dc=com",
            &["dcObject", "organization"],
            &[("o", "example"), ("dc", "example")],
        );
        entry(&mut ldif, PEOPLE, &["organizationalUnit"], &[("ou", "people")]);
        entry(&mut ldif, GROUPS, &["organizationalUnit"], &[("ou", "groups")]);
        let reader = [("cn", "reader"), ("userPassword", PASSWORD)];
        entry(&mut ldif, READER, &["organizationalRole", "simpleSecurityObject"], &reader);
        for (number, person) in self.people.iter().enumerate() {
            let cn = format!("p{number}");
            let state: &[u8] = if person.disabled { b"disabled" } else { b"active" };
            let sid = sid(1000 + number);
            let mut attributes =
                vec![("cn", cn.as_bytes()), ("sn", b"x"), ("employeeType", state), ("objectSid", &sid)];
            attributes.extend(person.names.iter().map(|name| ("uid", name.as_bytes())));
            let primary_group = person.primary_group.map(|group| (GROUP_RIDS + group).to_string());
            attributes.extend(primary_group.iter().map(|id| ("primaryGroupID", id.as_bytes())));
            let mut classes = vec!["inetOrgPerson", "securityPrincipal"];
            let (uid, gid) = (number.to_string(), person.gid.map(|gid| gid.to_string()));
            if let Some(gid) = &gid {
                classes.push("posixAccount");
                let posix: [(_, &[u8]); 3] =
                    [("uidNumber", uid.as_bytes()), ("gidNumber", gid.as_bytes()), ("homeDirectory", b"/")];
                attributes.extend(posix);
            }
            let member_of: Vec<_> = person.member_of.iter().map(|&group| group_dn(group)).collect();
            // What `memberOf` is where a server keeps it, under a name that every server lets us write.
            attributes.extend(member_of.iter().map(|dn| ("seeAlso", dn.as_bytes())));
            entry(&mut ldif, &person_dn(number), &classes, &attributes);
        }
        for (number, group) in self.groups.iter().enumerate() {
            let ou = format!("g{number}");
            let (class, list, mut members) = match group.gid {
                Some(_) => ("posixGroup", "memberUid", self.names_of(group)),
                None => ("groupOfNames", "member", dns_of(group)),
            };
            if members.is_empty() && group.gid.is_none() {
                members.push(READER.to_owned()); // such a group needs a member
            }
            let within = self.groups.iter().enumerate().filter(|(_, outer)| outer.groups.contains(&number));
            let within: Vec<_> = within.map(|(outer, _)| group_dn(outer)).collect();
            let sid = sid(GROUP_RIDS + number);
            let mut attributes =
                vec![("ou", ou.as_bytes()), ("cn", group.name.as_bytes()), ("objectSid", &sid)];
            let gid = group.gid.map(|gid| gid.to_string());
            attributes.extend(gid.iter().map(|gid| ("gidNumber", gid.as_bytes())));
            attributes.extend(members.iter().map(|member| (list, member.as_bytes())));
            attributes.extend(within.iter().map(|dn| ("seeAlso", dn.as_bytes())));
            entry(&mut ldif, &group_dn(number), &[class, "securityPrincipal"], &attributes);
        }
        ldif
    }

    fn names_of(&self, group: &Group) -> Vec<String> {
        group.people.iter().map(|&person| self.people[person].names[0].clone()).collect()
    }
}

fn dns_of(group: &Group) -> Vec<String> {
    let people = group.people.iter().map(|&person| person_dn(person));
    people.chain(group.groups.iter().map(|&inner| group_dn(inner))).collect()
}

/// Where the relative identifiers of groups begin.
const GROUP_RIDS: usize = 100_000;

/// A security identifier of Active Directory, with octets that a filter must escape.
fn sid(relative_id: usize) -> Vec<u8> {
    let relative_id = u32::try_from(relative_id).expect("a small tree").to_le_bytes();
    [b"\x01\x05\0\0\0\0\0\x05\x15\0\0\0*()\\\xff\xfe\x80\x7falic".as_slice(), &relative_id].concat()
}

/// The name of a person's entry.
#[must_use]
pub fn person_dn(number: usize) -> String {
    format!("cn=p{number},{PEOPLE}")
}

/// The name of a group's entry.
#[must_use]
pub fn group_dn(number: usize) -> String {
    format!("ou=g{number},{GROUPS}")
}

fn entry(ldif: &mut String, dn: &str, classes: &[&str], attributes: &[(&str, impl AsRef<[u8]>)]) {
    writeln!(ldif, "dn: {dn}").unwrap();
    for class in classes {
        writeln!(ldif, "objectClass: {class}").unwrap();
    }
    for (name, value) in attributes {
        writeln!(ldif, "{name}:: {}", BASE64.encode(value)).unwrap();
    }
    ldif.push('\n');
}

/// A server. It ends when it is dropped.
#[derive(Debug)]
pub struct Slapd {
    directory: TempDir,
    process: Option<Child>,
    plain: SocketAddr,
    tls: SocketAddr,
    authority: String,
}

impl Slapd {
    /// Starts a server with this tree, whose certificate is good for `localhost` and `127.0.0.1`.
    ///
    /// # Panics
    ///
    /// If it does not start.
    #[must_use]
    pub fn start(tree: &Tree) -> Self {
        Self::start_for(tree, &["localhost", "127.0.0.1"])
    }

    /// Starts a server whose certificate is good for these hosts.
    ///
    /// # Panics
    ///
    /// If it does not start.
    #[must_use]
    pub fn start_for(tree: &Tree, hosts: &[&str]) -> Self {
        Self::start_with(tree, &certify(hosts, |_| {}))
    }

    /// Starts a server with this certificate.
    ///
    /// # Panics
    ///
    /// If it does not start.
    #[must_use]
    pub fn start_with(tree: &Tree, certificate: &Certified) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name).display().to_string();
        fs::create_dir(at("data")).unwrap();
        fs::write(at("server.pem"), &certificate.pem).unwrap();
        fs::write(at("server.key"), &certificate.key).unwrap();
        let authority = certificate.authority.clone();
        fs::write(at("ca.pem"), &authority).unwrap();
        let access: String = tree.access.iter().map(|rule| format!("access {rule}\n")).collect();
        let configuration = CONFIGURATION
            .replace("DIRECTORY", &directory.path().display().to_string())
            .replace("ACCESS\n", &access);
        fs::write(at("slapd.conf"), configuration).unwrap();
        fs::write(at("tree.ldif"), tree.ldif()).unwrap();

        let mut load = Command::new(program("slapadd").expect("slapadd"));
        let loaded = load.args(["-f", &at("slapd.conf"), "-l", &at("tree.ldif")]).output().unwrap();
        assert!(loaded.status.success(), "{}", String::from_utf8_lossy(&loaded.stderr));

        let mut server = Self { plain: free_port(), tls: free_port(), directory, process: None, authority };
        server.restart();
        server
    }

    /// Starts it again where it was.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn restart(&mut self) {
        self.stop();
        let configuration = self.directory.path().join("slapd.conf");
        let listen = format!("{} {}", self.plain_url(), self.tls_url());
        let mut command = Command::new(program("slapd").expect("slapd"));
        command.arg("-f").arg(configuration).args(["-h", &listen, "-d", "0"]).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let begun = Instant::now();
        while TcpStream::connect(self.plain).is_err() || TcpStream::connect(self.tls).is_err() {
            let ended = process.try_wait().unwrap().is_some();
            if ended || begun.elapsed() > Duration::from_secs(30) {
                let _ = process.kill();
                let mut said = String::new();
                let _ = process.stderr.take().expect("piped").read_to_string(&mut said);
                panic!("slapd does not start: {said}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.process = Some(process);
    }

    /// Ends it.
    ///
    /// # Panics
    ///
    /// If it cannot be ended.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Stops it from doing anything; connections stay open and new ones are taken by the system.
    pub fn suspend(&self) {
        self.signal("STOP");
    }

    /// Lets it go on, with all that was asked meanwhile.
    pub fn resume(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.process.as_ref().expect("it runs").id();
        let sent = Command::new("sh").args(["-c", &format!("kill -{signal} {id}")]).status().unwrap();
        assert!(sent.success());
    }

    /// `ldap://`, for StartTLS.
    #[must_use]
    pub fn plain_url(&self) -> String {
        format!("ldap://{}/", self.plain)
    }

    /// `ldaps://`.
    #[must_use]
    pub fn tls_url(&self) -> String {
        format!("ldaps://{}/", self.tls)
    }

    /// Where it listens for `ldap://`.
    #[must_use]
    pub fn plain_address(&self) -> SocketAddr {
        self.plain
    }

    /// The authority that signed its certificate, in PEM.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _: io::Result<_> = process.kill().and_then(|()| process.wait());
        }
    }
}

/// A server's certificate, its key, and the authority's certificate, in PEM.
#[derive(Debug, Clone)]
pub struct Certified {
    pem: String,
    key: String,
    authority: String,
}

impl Certified {
    /// The authority's certificate, in PEM.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

/// Makes an authority and a certificate that is good for these hosts, of which more can be stated.
///
/// # Panics
///
/// If there is no such certificate.
#[must_use]
pub fn certify(hosts: &[&str], state: impl FnOnce(&mut CertificateParams)) -> Certified {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_certificate = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(authority, authority_key);

    let key = KeyPair::generate().unwrap();
    let hosts: Vec<_> = hosts.iter().map(|&host| host.to_owned()).collect();
    let mut server = CertificateParams::new(hosts).unwrap();
    state(&mut server);
    let server = server.signed_by(&key, &issuer).unwrap();
    Certified { pem: server.pem(), key: key.serialize_pem(), authority: authority_certificate.pem() }
}

/// Makes a self-signed certificate for these hosts: of an authority, which is then the server's own too, or of no one.
///
/// # Panics
///
/// If there is no such certificate.
#[must_use]
pub fn self_sign(hosts: &[&str], of_authority: bool) -> Certified {
    let key = KeyPair::generate().unwrap();
    let hosts: Vec<_> = hosts.iter().map(|&host| host.to_owned()).collect();
    let name = hosts.join(", ");
    let mut server = CertificateParams::new(hosts).unwrap();
    server.distinguished_name.push(DnType::CommonName, name);
    if of_authority {
        server.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    let pem = server.self_signed(&key).unwrap().pem();
    Certified { authority: pem.clone(), pem, key: key.serialize_pem() }
}

/// A port that was free a moment ago.
fn free_port() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

const CONFIGURATION: &str = "\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
attributetype ( 1.2.840.113556.1.4.146 NAME 'objectSid' EQUALITY octetStringMatch \
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.98 NAME 'primaryGroupID' EQUALITY integerMatch \
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
objectclass ( 1.2.840.113556.1.5.6 NAME 'securityPrincipal' SUP top AUXILIARY \
  MAY ( objectSid $ primaryGroupID $ ou $ seeAlso ) )
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile DIRECTORY/slapd.pid
TLSCACertificateFile DIRECTORY/ca.pem
TLSCertificateFile DIRECTORY/server.pem
TLSCertificateKeyFile DIRECTORY/server.key
database mdb
maxsize 16777216
suffix \"dc=example,dc=com\"
directory DIRECTORY/data
ACCESS
access to attrs=userPassword by anonymous auth
access to * by dn.exact=\"cn=reader,dc=example,dc=com\" read
";

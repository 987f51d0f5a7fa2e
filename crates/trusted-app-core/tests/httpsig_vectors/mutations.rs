//! What becomes of a good request when one thing in it is changed: the profile's own list, each with the
//! code that it proposes. Each of them is ours.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use trusted_app_core::content::{ContentDigest, DigestAlgorithm};
use trusted_app_core::httpsig::{CONTENT_DIGEST, SIGNATURE, SIGNATURE_INPUT, TRUSTED_APP_USER};

use super::profile::{Request, Server, example};
use super::{VECTORS, items, private_key, text};

#[test]
fn every_change_has_its_code() {
    let mut seen = 0;
    for mutation in items(&VECTORS["profile_mutations"]) {
        let change = text(&mutation["change"]);
        let request = Request::of(example(text(&mutation["from"])));
        let mut server = Server::default();
        let answer = match change {
            "send twice" => {
                assert_eq!(server.answer(&request), "valid");
                server.answer(&request)
            }
            _ => server.answer(&changed(request, change)),
        };
        assert_eq!(answer, text(&mutation["expect"]), "{change}");
        seen += 1;
    }
    assert_eq!(seen, 45);
}

/// Replaces what stands in a field.
fn replace(headers: &mut HeaderMap, name: &HeaderName, from: &str, to: &str) {
    let value = headers[name].to_str().unwrap();
    assert!(value.contains(from), "{name} has no {from}: {value}");
    headers.insert(name, HeaderValue::try_from(value.replacen(from, to, 1)).unwrap());
}

fn set(headers: &mut HeaderMap, name: &str, value: &str) {
    headers.insert(HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap());
}

fn changed(mut request: Request, change: &str) -> Request {
    let headers = &mut request.headers;
    let input = &SIGNATURE_INPUT;
    match change {
        "method -> PUT" => request.method = Method::PUT,
        "path /v1/orders -> /v1/orders/" => request.url.push('/'),
        "append ?x=1 to the URL" => request.url.push_str("?x=1"),
        "Host -> other.example (not in external_origins)" => {
            set(headers, "host", "other.example");
            request.url = request.url.replace("api.example.com", "other.example");
        }
        "Trusted-App-User -> \"alice\"" => set(headers, "trusted-app-user", "\"alice\""),
        "second Trusted-App-User field line" => {
            headers.append(TRUSTED_APP_USER, HeaderValue::from_static("\"alice\""));
        }
        "body byte changed, Content-Digest kept" => request.body[2] ^= 1,
        "body and Content-Digest both changed" => {
            request.body[2] ^= 1;
            let digest = ContentDigest::of(DigestAlgorithm::Sha256, &request.body);
            headers.insert(CONTENT_DIGEST, digest.to_header_value());
        }
        "add member sha=:AAAA: to Content-Digest" => {
            headers.append(CONTENT_DIGEST, HeaderValue::from_static("sha=:AAAA:"));
        }
        "remove the Content-Digest field" => drop(headers.remove(CONTENT_DIGEST)),
        "created, expires replaced in Signature-Input" => {
            replace(headers, input, "created=1767225600", "created=1767225605");
            replace(headers, input, "expires=1767225660", "expires=1767225665");
        }
        "clock = created - 31 s" => request.now = 1_767_225_600 - 31,
        "clock = created + 59 s" => request.now = 1_767_225_600 + 59,
        "clock = expires + 30 s" => request.now = 1_767_225_660 + 30,
        "clock = expires + 31 s" => request.now = 1_767_225_660 + 31,
        "keyid -> 43 other characters" => {
            let key_id = "poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U";
            replace(headers, input, key_id, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
            // Nor such as are no digest at all.
            let mut other = request.clone();
            replace(
                &mut other.headers,
                input,
                "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
                &"x".repeat(43),
            );
            assert_eq!(Server::default().answer(&other), "invalid_signature");
        }
        "insert ;alg=\"rsa-pss-sha512\"" => {
            replace(headers, input, ";tag=", ";alg=\"rsa-pss-sha512\";tag=");
        }
        "tag removed (member no longer selected)" => replace(headers, input, ";tag=\"trusted-app\"", ""),
        "a second member with tag=\"trusted-app\"" => {
            let second = headers[input].to_str().unwrap().replacen("ta=", "tb=", 1);
            headers.append(input, HeaderValue::try_from(second).unwrap());
        }
        "same label twice in Signature-Input" => {
            headers.append(input, HeaderValue::from_static("ta=();created=1"));
        }
        "parameter created twice" => {
            replace(headers, input, ";expires", ";created=1767225600;expires");
        }
        "label present in Signature-Input only" => replace(headers, &SIGNATURE, "ta=", "tb="),
        "any X-Seraph-Trusted-App-* header added" => {
            for name in trusted_app_core::seraph::REQUEST_HEADERS {
                let mut other = request.clone();
                other.headers.insert(name, HeaderValue::from_static("x"));
                assert_eq!(Server::default().answer(&other), "ambiguous");
            }
            set(&mut request.headers, "x-seraph-trusted-app-id", "wiki");
        }
        "unsigned X-HTTP-Method-Override: DELETE added" => set(headers, "x-http-method-override", "DELETE"),
        "unsigned Authorization added" => set(headers, "authorization", "Basic eDp5"),
        "relabel ta -> sig1 in both fields" => {
            replace(headers, input, "ta=", "sig1=");
            replace(headers, &SIGNATURE, "ta=", "sig1=");
        }
        "move Signature and Signature-Input to trailers" => {
            headers.remove(input);
            headers.remove(SIGNATURE);
        }
        "split Signature-Input over two lines with an unrelated web-bot-auth member" => {
            let ours = headers.remove(input).unwrap();
            let other = "sig2=(\"@authority\" \"@authority\");created=1;created=2;tag=\"web-bot-auth\"";
            headers.append(input, HeaderValue::try_from(other).unwrap());
            headers.append(input, ours);
        }
        "add a body of one byte" => {
            request.body = b"x".to_vec();
            // Announced or not.
            let mut announced = request.clone();
            announced.body.clear();
            set(&mut announced.headers, "content-length", "1");
            assert_eq!(Server::default().answer(&announced), "coverage");
        }
        _ => return resigned(request, change.strip_suffix(", resigned").unwrap_or(change)),
    }
    request
}

/// A signature that our code would not make, by the key that is trusted.
struct Signed<'a> {
    /// Identifiers and values.
    components: Vec<(&'a str, String)>,
    created: Option<i64>,
    expires: i64,
    nonce: &'a str,
    more: &'a str,
}

impl Signed<'_> {
    fn parameters(&self) -> Vec<String> {
        let mut parameters: Vec<String> =
            self.created.map(|created| format!(";created={created}")).into_iter().collect();
        parameters.extend([
            ";keyid=\"poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U\"".to_owned(),
            format!(";expires={}", self.expires),
            format!(";nonce=\"{}\"", self.nonce),
            ";tag=\"trusted-app\"".to_owned(),
            self.more.to_owned(),
        ]);
        parameters
    }

    fn apply(&self, request: &mut Request, parameters: &[String]) {
        let identifiers: Vec<_> = self.components.iter().map(|(identifier, _)| *identifier).collect();
        let input = format!("({}){}", identifiers.join(" "), parameters.concat());
        let mut base = String::new();
        for (identifier, value) in &self.components {
            base.push_str(&format!("{identifier}: {value}\n"));
        }
        base.push_str(&format!("\"@signature-params\": {input}"));
        let signature = private_key("test-key-ed25519").sign(base.as_bytes()).unwrap();
        set(&mut request.headers, "signature-input", &format!("ta={input}"));
        set(&mut request.headers, "signature", &format!("ta=:{}:", STANDARD.encode(signature)));
    }
}

fn resigned(mut request: Request, change: &str) -> Request {
    if let Some(user) = match change {
        "user sent as Token alice" => Some("alice"),
        "user sent as Byte Sequence" => Some(":YWxpY2U=:"),
        "user sent as %\"alice\" (ASCII as Display String)" => Some("%\"alice\""),
        "user sent as %\"m%C3%BCller\" (upper-case hex)" => Some("%\"m%C3%BCller\""),
        "user %\"a%00b\"" => Some("%\"a%00b\""),
        _ => None,
    } {
        set(&mut request.headers, "trusted-app-user", user);
    }
    let user = request.headers["trusted-app-user"].to_str().unwrap().to_owned();
    let mut signed = Signed {
        components: vec![
            ("\"@method\"", request.method.to_string()),
            ("\"@target-uri\"", request.url.clone()),
            ("\"trusted-app-user\"", user.clone()),
        ],
        created: Some(1_767_225_600),
        expires: 1_767_225_660,
        nonce: "AAAAAAAAAAAAAAAAAAAAAA",
        more: "",
    };
    // Without a change it is good.
    let mut unchanged = request.clone();
    signed.apply(&mut unchanged, &signed.parameters());
    let expected = if change.starts_with("user") { "malformed" } else { "valid" };
    assert_eq!(Server::default().answer(&unchanged), expected);

    let names: Vec<String> = (0..14).map(|number| format!("\"x-{number}\"")).collect();
    match change {
        _ if change.starts_with("user") => return unchanged,
        "nonce of 15 characters" => signed.nonce = "AAAAAAAAAAAAAAA",
        "created missing" => signed.created = None,
        "expires = created" => signed.expires = 1_767_225_600,
        "\"@method\" listed twice" => signed.components.push(("\"@method\"", request.method.to_string())),
        "\"Trusted-App-User\" upper case in the list" => signed.components[2].0 = "\"Trusted-App-User\"",
        "\"@path\" only, no query" => signed.components[1] = ("\"@path\"", "/v1/orders".to_owned()),
        "17 components" => {
            for name in &names {
                set(&mut request.headers, name.trim_matches('"'), "x");
                signed.components.push((name, "x".to_owned()));
            }
        }
        "parameters in any other order" => {
            for _ in 0..5 {
                let mut parameters = signed.parameters();
                parameters.rotate_left(1);
                signed.apply(&mut request, &parameters);
                assert_eq!(Server::default().answer(&request), "valid");
            }
            let reversed: Vec<_> = signed.parameters().into_iter().rev().collect();
            signed.apply(&mut request, &reversed);
            return request;
        }
        "unknown parameter ;x=1" => signed.more = ";x=1",
        "extra covered date" => {
            let date = "Thu, 01 Jan 2026 00:00:00 GMT";
            set(&mut request.headers, "date", date);
            signed.components.push(("\"date\"", date.to_owned()));
        }
        unknown => panic!("no such change: {unknown}"),
    }
    signed.apply(&mut request, &signed.parameters());
    request
}

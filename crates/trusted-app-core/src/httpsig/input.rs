//! The members of `Signature-Input` and `Signature` (RFC 9421, section 4), read by a visitor: unlike a
//! parsed dictionary it sees what stands there twice.

use std::borrow::Cow;

use sfv::visitor::{
    DictionaryVisitor, EntryVisitor, Ignored, InnerListVisitor, ItemVisitor, Never, ParameterVisitor,
};
use sfv::{BareItemFromInput, KeyRef, Parser, StringRef};
use smallvec::SmallVec;

use crate::limits::{MAX_COMPONENTS, MAX_SIGNATURE_PARAMETERS, MAX_SIGNATURES};
use crate::rejection::Rejection;

/// A name and a value, as they stand there.
pub(super) type Parameter<'a> = (&'a KeyRef, BareItemFromInput<'a>);

/// One covered component.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Component<'a> {
    /// None has a character that would have to be escaped.
    pub(super) name: &'a StringRef,
    /// Most have none.
    pub(super) parameter: Option<Box<Parameter<'a>>>,
}

/// One member of `Signature-Input`.
#[derive(Debug, Clone, Default)]
pub(super) struct Input<'a> {
    pub(super) label: &'a str,
    pub(super) components: SmallVec<[Component<'a>; 8]>,
    pub(super) parameters: SmallVec<[Parameter<'a>; 6]>,
    /// What is wrong with it, should it be ours.
    pub(super) problem: Option<&'static str>,
}

impl<'a> Input<'a> {
    /// The value of a parameter, of which [`find`] has seen that it comes once.
    pub(super) fn parameter(&self, name: &str) -> Option<&BareItemFromInput<'a>> {
        self.parameters.iter().find(|(key, _)| key.as_str() == name).map(|(_, value)| value)
    }

    /// Whether this component is covered as it is, without a parameter.
    pub(super) fn covers(&self, name: &str) -> bool {
        self.components.iter().any(|one| one.parameter.is_none() && one.name.as_str() == name)
    }

    /// That nothing is wrong with it.
    pub(super) fn in_order(&self) -> Result<(), Rejection> {
        self.problem
            .map_or(Ok(()), |problem| Err(Rejection::malformed(format!("signature-input: {problem}"))))
    }

    pub(super) fn has_tag(&self, tag: &str) -> bool {
        self.parameters.iter().any(|(key, value)| {
            key.as_str() == "tag" && value.as_string().is_some_and(|value| value.as_str() == tag)
        })
    }

    fn spoil(&mut self, problem: &'static str) {
        self.problem.get_or_insert(problem);
    }
}

/// Which members of `Signature-Input` are looked for. Others may be there, and what they cover is
/// nobody's business here.
#[derive(Clone, Copy)]
pub(super) enum Wanted<'w> {
    All,
    Tag(&'w str),
    Label(&'w str),
}

impl Wanted<'_> {
    fn is(self, input: &Input<'_>) -> bool {
        match self {
            Self::All => true,
            Self::Tag(tag) => input.has_tag(tag),
            Self::Label(label) => input.label == label,
        }
    }
}

/// The members that are wanted, of at most `max` that there may be; each [in order](Input::in_order) or not.
pub(super) fn find_all<'a>(
    field: &'a [u8],
    wanted: Wanted<'_>,
    max: usize,
) -> Result<SmallVec<[Input<'a>; 1]>, Rejection> {
    let mut members = Members {
        wanted,
        max,
        labels: SmallVec::new(),
        current: Input::default(),
        found: SmallVec::new(),
        problem: "it is no dictionary of inner lists",
    };
    if Parser::new(field).parse_dictionary_with_visitor(&mut members).is_err() {
        return Err(Rejection::malformed(format!("signature-input: {}", members.problem)));
    }
    Ok(members.found)
}

/// The one member that is wanted; `None` if there is none.
pub(super) fn find<'a>(field: &'a [u8], wanted: Wanted<'_>) -> Result<Option<Input<'a>>, Rejection> {
    let mut found = find_all(field, wanted, MAX_SIGNATURES)?;
    found.iter().try_for_each(Input::in_order)?;
    if found.len() > 1 {
        return Err(Rejection::malformed("signature-input: more than one member with the profile's tag"));
    }
    Ok(found.pop())
}

/// Why parsing stopped; what is wrong is kept elsewhere, since `sfv` hands out no more than a text.
#[derive(Debug, thiserror::Error)]
#[error("stopped")]
struct Stop;

struct Members<'a, 't> {
    wanted: Wanted<'t>,
    max: usize,
    labels: Labels<'a>,
    current: Input<'a>,
    found: SmallVec<[Input<'a>; 1]>,
    problem: &'static str,
}

impl<'a> DictionaryVisitor<'a> for &mut Members<'a, '_> {
    type Out = ();
    type Error = Stop;

    fn entry(&mut self, key: &'a KeyRef) -> Result<impl EntryVisitor<'a>, Stop> {
        take_label(&mut self.labels, key, self.max).map_err(|problem| {
            self.problem = problem;
            Stop
        })?;
        self.current = Input { label: key.as_str(), ..Input::default() };
        Ok(Member(self))
    }

    fn finish(self) -> Result<(), Stop> {
        Ok(())
    }
}

type Labels<'a> = SmallVec<[&'a str; MAX_SIGNATURES]>;

fn take_label<'a>(labels: &mut Labels<'a>, label: &'a KeyRef, max: usize) -> Result<(), &'static str> {
    if labels.contains(&label.as_str()) {
        Err("a label stands there twice")
    } else if labels.len() == max {
        Err("too many members")
    } else {
        labels.push(label.as_str());
        Ok(())
    }
}

struct Member<'v, 'a, 't>(&'v mut Members<'a, 't>);

impl<'a> EntryVisitor<'a> for Member<'_, 'a, '_> {
    type Error = Stop;

    fn item(self) -> Result<impl ItemVisitor<'a>, Stop> {
        Err::<Never, _>(Stop)
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'a>, Stop> {
        Ok(self)
    }
}

impl<'a> InnerListVisitor<'a> for Member<'_, 'a, '_> {
    type Error = Stop;

    fn item(&mut self) -> Result<impl ItemVisitor<'a>, Stop> {
        Ok(ComponentVisitor(&mut self.0.current))
    }

    fn finish(self) -> Result<impl ParameterVisitor<'a>, Stop> {
        Ok(Parameters(self.0))
    }
}

struct ComponentVisitor<'v, 'a>(&'v mut Input<'a>);

impl<'a> ItemVisitor<'a> for ComponentVisitor<'_, 'a> {
    type Out = ();
    type Error = Stop;

    fn bare_item(
        self,
        bare_item: BareItemFromInput<'a>,
    ) -> Result<impl ParameterVisitor<'a, Out = ()>, Stop> {
        let input = self.0;
        let component = match bare_item {
            BareItemFromInput::String(Cow::Borrowed(name)) => Some(Component { name, parameter: None }),
            _ => {
                input.spoil("a component's name is no string without escapes");
                None
            }
        };
        Ok(ComponentParameter { input, component })
    }
}

struct ComponentParameter<'v, 'a> {
    input: &'v mut Input<'a>,
    component: Option<Component<'a>>,
}

impl<'a> ParameterVisitor<'a> for ComponentParameter<'_, 'a> {
    type Out = ();
    type Error = Stop;

    fn parameter(&mut self, key: &'a KeyRef, value: BareItemFromInput<'a>) -> Result<(), Stop> {
        if let Some(component) = &mut self.component
            && component.parameter.replace(Box::new((key, value))).is_some()
        {
            self.input.spoil("a component has more than one parameter");
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Stop> {
        let Some(component) = self.component else { return Ok(()) };
        if self.input.components.contains(&component) {
            self.input.spoil("a component is listed twice");
        }
        if self.input.components.len() == MAX_COMPONENTS {
            self.input.spoil("more than 16 components");
        } else {
            self.input.components.push(component);
        }
        Ok(())
    }
}

struct Parameters<'v, 'a, 't>(&'v mut Members<'a, 't>);

impl<'a> ParameterVisitor<'a> for Parameters<'_, 'a, '_> {
    type Out = ();
    type Error = Stop;

    fn parameter(&mut self, key: &'a KeyRef, value: BareItemFromInput<'a>) -> Result<(), Stop> {
        let input = &mut self.0.current;
        if input.parameters.iter().any(|(other, _)| *other == key) {
            input.spoil("a parameter is stated twice");
        }
        // A tag is kept in any case: it decides whose member this is.
        if input.parameters.len() >= MAX_SIGNATURE_PARAMETERS {
            input.spoil("more than 16 parameters");
            if key.as_str() != "tag" {
                return Ok(());
            }
        }
        input.parameters.push((key, value));
        Ok(())
    }

    fn finish(self) -> Result<(), Stop> {
        if self.0.wanted.is(&self.0.current) {
            self.0.found.push(std::mem::take(&mut self.0.current));
        }
        Ok(())
    }
}

/// The signature under this label in `Signature`, of at most `max` that there may be.
pub(super) fn signature(field: &[u8], label: &str, max: usize) -> Result<Vec<u8>, Rejection> {
    let mut members =
        Signatures { label, max, labels: SmallVec::new(), signature: None, problem: "it is no dictionary" };
    if Parser::new(field).parse_dictionary_with_visitor(&mut members).is_err() {
        return Err(Rejection::malformed(format!("signature: {}", members.problem)));
    }
    let missing = || Rejection::malformed(format!("signature: no member `{label}`"));
    members.signature.ok_or_else(missing)
}

struct Signatures<'a, 'l> {
    label: &'l str,
    max: usize,
    labels: Labels<'a>,
    signature: Option<Vec<u8>>,
    problem: &'static str,
}

impl<'a> DictionaryVisitor<'a> for &mut Signatures<'a, '_> {
    type Out = ();
    type Error = Stop;

    fn entry(&mut self, key: &'a KeyRef) -> Result<impl EntryVisitor<'a>, Stop> {
        take_label(&mut self.labels, key, self.max).map_err(|problem| {
            self.problem = problem;
            Stop
        })?;
        let is_ours = key.as_str() == self.label;
        Ok(is_ours.then_some(SignatureVisitor { signature: &mut self.signature, problem: &mut self.problem }))
    }

    fn finish(self) -> Result<(), Stop> {
        Ok(())
    }
}

struct SignatureVisitor<'v> {
    signature: &'v mut Option<Vec<u8>>,
    problem: &'v mut &'static str,
}

impl<'a> EntryVisitor<'a> for SignatureVisitor<'_> {
    type Error = Stop;

    fn item(self) -> Result<impl ItemVisitor<'a>, Stop> {
        Ok(self)
    }

    fn inner_list(self) -> Result<impl InnerListVisitor<'a>, Stop> {
        *self.problem = "a member is no byte sequence";
        Err::<Never, _>(Stop)
    }
}

impl<'a> ItemVisitor<'a> for SignatureVisitor<'_> {
    type Out = ();
    type Error = Stop;

    fn bare_item(
        self,
        bare_item: BareItemFromInput<'a>,
    ) -> Result<impl ParameterVisitor<'a, Out = ()>, Stop> {
        let BareItemFromInput::ByteSequence(signature) = bare_item else {
            *self.problem = "a member is no byte sequence";
            return Err(Stop);
        };
        *self.signature = Some(signature);
        Ok(Ignored)
    }
}

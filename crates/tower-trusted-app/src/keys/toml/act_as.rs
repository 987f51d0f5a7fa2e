//! Whom an application may act as.

use ::toml::de::DeValue;
use trusted_app_core::ActAsPolicy;

use super::fields::{Problem, Value, boolean, string};

const FIELDS: &str = "users, groups, deny_users, deny_groups, read_only, insecure_administrators";

pub(super) fn policy(value: &Value<'_>) -> Result<ActAsPolicy, Problem> {
    let DeValue::Table(table) = value.get_ref() else {
        return Err(Problem::expected(&format!("a table of {FIELDS}"), value));
    };
    table.iter().try_fold(ActAsPolicy::anybody(), |policy, (field, value)| {
        Ok(match field.get_ref().as_ref() {
            "users" => policy.allow_users(names(value)?),
            "groups" => policy.allow_groups(names(value)?),
            "deny_users" => policy.deny_users(names(value)?),
            "deny_groups" => policy.deny_groups(names(value)?),
            "read_only" if boolean(value)? => policy.read_only(),
            "insecure_administrators" if boolean(value)? => policy.insecure_administrators(),
            "read_only" | "insecure_administrators" => policy,
            other => {
                let problem = format!("unknown field `{}`; known are {FIELDS}", other.escape_debug());
                return Err(Problem::new(field.span(), problem));
            }
        })
    })
}

fn names<'t>(value: &'t Value<'_>) -> Result<Vec<&'t str>, Problem> {
    match value.get_ref() {
        DeValue::Array(items) => items.iter().map(string).collect(),
        _ => Err(Problem::expected("a list of names", value)),
    }
}

//! The web pages: server-rendered, without scripts.

mod add;
mod changes;
mod decisions;
mod delete;
mod denied;
mod directory;
mod edit;
mod form;
mod keys;
mod list;
mod page;
mod views;
mod visible;

use axum::Router;
use axum::routing::get;
use tower_trusted_app::ApplicationRegistry;

use crate::service::Administration;
use crate::web::Surface;

pub(crate) static SURFACE: Surface = Surface {
    media_type: "application/x-www-form-urlencoded",
    max_body: 64 * 1024,
    denied: denied::denied,
    send_again: Some(denied::send_again),
};

pub(crate) fn routes<R: ApplicationRegistry>(administration: Administration<R>) -> Router {
    let list = "/trusted-applications";
    Router::new()
        .route("/", get(list::entry))
        .route("/administration", get(list::entry))
        .route("/style.css", get(page::style))
        .route(list, get(list::applications::<R>))
        .route(&format!("{list}/"), get(list::to_list))
        .route(&format!("{list}/request"), get(list::to_list).post(list::request::<R>))
        .route(&format!("{list}/add"), get(add::show_form::<R>).post(add::add::<R>))
        .route(&format!("{list}/edit"), get(edit::show_form::<R>).post(edit::edit::<R>))
        .route(&format!("{list}/delete"), get(delete::show_form::<R>).post(delete::delete::<R>))
        .route(&format!("{list}/rotate"), get(keys::rotate_form::<R>).post(keys::request_key::<R>))
        .route(&format!("{list}/rotate/confirm"), get(keys::confirm_form::<R>).post(keys::rotate::<R>))
        .route(&format!("{list}/revoke"), get(keys::revoke_form::<R>).post(keys::revoke::<R>))
        .route(&format!("{list}/changes"), get(changes::changes::<R>))
        .route(&format!("{list}/decisions"), get(decisions::decisions::<R>))
        .route(&format!("{list}/directory/add"), get(add::show_form::<R>).post(add::add::<R>))
        .route(&format!("{list}/directory"), get(directory::keys::<R>).post(directory::confirm::<R>))
        .route(&format!("{list}/directory/refresh"), get(list::to_list).post(directory::refresh::<R>))
        .with_state(administration)
}

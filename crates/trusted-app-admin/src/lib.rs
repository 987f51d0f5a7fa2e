//! Administration of trusted applications: what an administrator of JIRA had, for any application.
//!
//! | to | use |
//! |---|---|
//! | ask, add, change, rotate, delete, import, export | [`Administration`], the service; it knows no HTTP |
//! | fetch another application's id and key, or its key directory | [`Fetcher`](fetch::Fetcher) |
//! | keep the keys of applications that publish a key directory up to date | [`DirectoryRefresher`](refresher::DirectoryRefresher) |
//! | remember what was decided about requests | [`RecentDecisions`](recent::RecentDecisions) |
#![cfg_attr(
    any(feature = "pages", feature = "api"),
    doc = "| show it in a browser, or serve it as JSON (features `pages` and `api`) | [`Site`], behind your [`Guard`] |"
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod administrator;
#[cfg(feature = "api")]
mod api;
pub mod fetch;
mod hex;
#[cfg(feature = "pages")]
mod pages;
pub mod recent;
pub mod refresher;
pub mod service;
#[cfg(any(feature = "pages", feature = "api"))]
mod site;
#[cfg(any(feature = "pages", feature = "api"))]
mod web;

pub use administrator::Administrator;
pub use service::{AdminError, Administration, ApplicationEdit};
#[cfg(any(feature = "pages", feature = "api"))]
pub use {
    site::Site,
    web::{Denied, Guard, Nobody, PublicOriginError},
};

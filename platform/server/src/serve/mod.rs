//! `touchstone serve`: seasons as a service.

pub mod live;
pub mod service;

//! The composition root: everything that the `touchstone` command does.

pub mod account;
pub mod calibrate;
pub mod challenge;
pub mod cli;
pub mod config;
pub mod crash;
pub mod data;
pub mod demo;
pub mod halt;
pub mod http;
pub mod key_file;
pub mod lab_process;
pub mod local_network;
pub mod login;
pub mod network;
pub mod order;
pub mod profile;
pub mod progress;
pub mod readers;
pub mod season;
pub mod serve;
pub mod standing;
pub mod static_site;
pub mod validator;
pub mod worker_process;

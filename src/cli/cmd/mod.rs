//! Commands, one file each.

pub mod baseline;
pub mod clean;
pub mod compare;
pub mod completions;
pub mod config;
pub mod definitions;
pub mod diagnose;
pub mod explain;
pub mod generate;
pub mod init;
pub mod list;
pub mod replay;
pub mod report;
pub mod run;
pub mod sandbox;
pub mod scoreboard;
pub mod show;
pub mod suite_check;
pub mod suite_fmt;
pub mod validate;

//! Tests of expectations.

//! Properties: what must hold over sequences of requests and relations between searches, one file each. A property
//! writes cases and judges traces; `engine::property` executes, confirms and shrinks. No I/O and no clock here.

pub mod amount;
pub mod and_is_intersection;
pub mod answer;
pub mod batch_entries_are_independent;
pub mod before_and_after;
pub mod bodies;
pub mod broken_bodies_are_no_server_error;
pub mod case;
pub mod chain_is_two_steps;
pub mod chronicle;
pub mod compare;
pub mod compartment_is_inclusion;
pub mod concurrent_updates_are_kept;
pub mod conditional_create_by_matches;
pub mod conditional_create_once;
pub mod conditional_delete_by_matches;
pub mod conditional_read_tells_change;
pub mod conditional_update_by_matches;
pub mod conditional_update_once;
pub mod conditions_hold_in_bundles;
pub mod contained_kept;
pub mod contest;
pub mod contest_leaves_updatable;
pub mod contrast;
pub mod count_zero_counts_only;
pub mod counts_agree;
pub mod crash_keeps_acknowledged;
pub mod create_says_where;
pub mod criteria_in_any_order;
pub mod crossing_transactions_end;
pub mod cut_transaction_is_whole;
pub mod cut_write_is_before_or_after;
pub mod dataset;
pub mod date_bounds_cover;
pub mod date_bounds_grow;
pub mod date_bounds_partition;
pub mod date_eq_and_ne;
pub mod date_precision;
pub mod date_prefixes_nest;
pub mod date_zone_shift;
pub mod dated;
pub mod decimal_text;
pub mod delete_and_update_agree;
pub mod delete_is_gone;
pub mod delete_of_referenced_is_clean;
pub mod delete_takes_one_away;
pub mod deleted_in_no_search;
pub mod document;
pub mod errors_have_outcomes;
pub mod errors_hide_the_inside;
pub mod evaluation;
pub mod extensions_in_order;
pub mod form;
pub mod form_keeps_content;
pub mod fuzz;
pub mod ground;
pub mod guarded_updates_are_counted;
pub mod has_is_reverse_chain;
pub mod history_across_delete;
pub mod history_at_once;
pub mod history_filters;
pub mod history_tells_of_delete;
pub mod id_list_is_these;
pub mod identical_put_is_consistent;
pub mod include_is_superset;
pub mod inclusion;
pub mod index_lag_is_measured;
pub mod interleaved_walks_are_whole;
pub mod json_escapes_kept;
pub mod key_order_ignored;
pub mod large_value_kept;
pub mod last_updated_partition;
pub mod life;
pub mod life_follows_model;
pub mod linked;
pub mod long_list_kept;
pub mod matches;
pub mod mismatched_id_refused;
pub mod missing_is_what_is_shown;
pub mod missing_partition;
pub mod narrative_kept;
pub mod nested_transaction_is_whole;
pub mod no_read_is_torn;
pub mod not_is_complement;
pub mod nothing_leaks;
pub mod null_padding_kept;
pub mod number;
pub mod number_precision;
pub mod odd_headers_are_no_server_error;
pub mod odd_methods_change_nothing;
pub mod odd_resources_are_no_server_error;
pub mod odd_searches_are_no_server_error;
pub mod odd_urls_are_no_server_error;
pub mod one_order_explains_all;
pub mod or_is_union;
pub mod order;
pub mod overlapping_transaction_refused;
pub mod own_write_is_read;
pub mod page_links_agree;
pub mod page_size_changes_nothing;
pub mod page_union_is_whole;
pub mod pages_keep_what_stays;
pub mod parameter;
pub mod patch_is_applied;
pub mod pinned_id_keeps_predicate;
pub mod pivot_is_found;
pub mod place;
pub mod post_search_is_get_search;
pub mod primitive_extension_kept;
pub mod put_of_read_changes_nothing;
pub mod quantity_bounds_partition;
pub mod quantity_unit_narrows;
pub mod reads_never_go_back;
pub mod reference_kept;
pub mod refused_transaction_leaves_nothing;
pub mod refused_write_leaves_nothing;
pub mod relation;
pub mod repeated_delete_is_stable;
pub mod repeated_update_is_stable;
pub mod representation_is_read;
pub mod revinclude_is_reverse_search;
pub mod round_trip;
pub mod same_fault_same_answer;
pub mod same_in_xml;
pub mod script;
pub mod search_agrees_with_bodies;
pub mod search_shows_what_existed;
pub mod sessions_are_kept;
pub mod shape_keeps_matches;
pub mod sort_is_permutation;
pub mod spelling_is_irrelevant;
pub mod stale_if_match_refused;
pub mod string_folds;
pub mod string_modifiers_nest;
pub mod tampered_link_is_harmless;
pub mod time_text;
pub mod token_system_narrows;
pub mod total_leaves_out_includes;
pub mod trace;
pub mod transaction;
pub mod transaction_is_applied;
pub mod transaction_is_seen_whole;
pub mod transaction_links_are_resolved;
pub mod transaction_order_is_immaterial;
pub mod transactions_are_isolated;
pub mod type_history_contains;
pub mod types_are_apart;
pub mod unicode_kept;
pub mod unknown_parameter_changes_nothing;
pub mod unrelated_changes_nothing;
pub mod update_as_create_once;
pub mod update_creates_as_claimed;
pub mod update_moves_membership;
pub mod update_revives_deleted;
pub mod value_not_and_missing;
pub mod values;
pub mod variety;
pub mod version_is_stable;
pub mod version_monotone;
pub mod vread_of_nothing;
pub mod white_space_kept;

#[cfg(test)]
pub mod staging;

pub use case::{Case, Command, Entry, Origin, Raw, RawBody, Step};
pub use ground::Ground;
pub use trace::{Event, Outcome, Trace};
pub use values::Values;

use crate::fhir::capability::Capability;
use crate::record::{Level, Severity, Verdict, Violation};

/// What a property says about itself; `rounds explain ID` prints it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PropertySpec {
    /// `property/words`, stable for ever.
    pub id: &'static str,
    /// One sentence, the rule.
    pub title: &'static str,
    /// Level in R4.
    pub level: Level,
    /// Severity if broken.
    pub severity: Severity,
    /// URL of the specification.
    pub spec: &'static str,
    /// The R4 sentence, short.
    pub sentence: &'static str,
    /// What the property is about.
    pub family: Family,
    /// What keeps legal servers from being accused.
    pub guards: &'static [Guard],
    /// What must have been seen for the property to be tested at all.
    pub precondition: &'static str,
    /// What usually causes a violation.
    pub usual_causes: &'static [&'static str],
}

/// What a property is about; decides how many cases it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// What was written is what is read.
    RoundTrip,
    /// Single resources over their life: create, read, update, patch, delete, and their conditional forms.
    Life,
    /// Versions and histories.
    History,
    /// Several clients at the same time, lost answers, restarts.
    Concurrency,
    /// Batches and transactions.
    Transaction,
    /// Relations between searches over a small population.
    Search,
    /// Pages and links of searches.
    Paging,
    /// What a client may do wrong.
    Fuzz,
}

/// All families, in the order of the catalogue.
pub static FAMILIES: &[Family] = &[
    Family::RoundTrip,
    Family::Life,
    Family::History,
    Family::Concurrency,
    Family::Transaction,
    Family::Search,
    Family::Paging,
    Family::Fuzz,
];

impl Family {
    /// As said in lists and reports; where a conformance area is about the same, it has the same name.
    pub fn name(self) -> &'static str {
        match self {
            Family::RoundTrip => "round-trip",
            Family::Life => "crud",
            Family::History => "history",
            Family::Concurrency => "concurrency",
            Family::Transaction => "transaction",
            Family::Search => "search",
            Family::Paging => "paging",
            Family::Fuzz => "robustness",
        }
    }

    /// True if its cases search a population.
    pub fn searches(self) -> bool {
        matches!(self, Family::Search | Family::Paging)
    }
}

/// Conditions under which a difference is no fault. A finding lists those that its property applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// Everything carries a tag of the case and searches are confined to it.
    Tag,
    /// The index was awaited.
    Barrier,
    /// Caches were told to stand aside.
    Fresh,
    /// A parameter that the self link does not show was ignored, and nothing is concluded from it.
    SelfLink,
    /// The first search was repeated at the end and gave the same answer.
    Quiet,
    /// Elements that a server may set or rewrite are not compared.
    Mask,
    /// A timeout, 429 or 5xx on a write leaves its outcome open.
    Unknown,
    /// A write whose answer was lost happened if the history holds it, and may have happened at any time.
    Resolved,
}

impl Guard {
    /// As said in a finding.
    pub fn sentence(self) -> &'static str {
        match self {
            Guard::Tag => "other data: the resources of the case are confined by a tag or patient",
            Guard::Barrier => "index lag: the search index showed the written resources first",
            Guard::Fresh => "a cache: requests carried Cache-Control: no-cache",
            Guard::SelfLink => "an ignored parameter: the self link shows it",
            Guard::Quiet => "other writers: the first search was repeated and gave the same answer",
            Guard::Mask => {
                "what a server may set: id, meta, added elements and rewritten zones are not compared"
            }
            Guard::Unknown => "lost answers: no request timed out or failed with 429 or 5xx",
            Guard::Resolved => "lost answers: the history says which writes happened",
        }
    }
}

/// What an oracle says of a trace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// What is wrong.
    pub violations: Vec<Violation>,
    /// How often the precondition held, so that the property was tested.
    pub weighed: u32,
    /// Why nothing was concluded from a part of the trace.
    pub open: Vec<Open>,
}

/// Why nothing was concluded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Open {
    /// No answer, 429, 5xx, an index that did not settle, data that moved.
    Undecided(String),
    /// The target refuses what the case needs.
    Blocked(String),
    /// The target does not do what R4 leaves optional.
    Unsupported(String),
}

impl Judgement {
    /// Nothing was concluded, for this reason.
    pub fn open(reason: Open) -> Self {
        Judgement {
            open: vec![reason],
            ..Judgement::default()
        }
    }
}

/// A property.
pub trait Property: Sync {
    /// What it is.
    fn spec(&self) -> &'static PropertySpec;

    /// Whether it can be tested on this ground.
    ///
    /// # Errors
    /// The verdict that says why not: `Skip` if not claimed, `Blocked` if not permitted.
    fn admit(&self, ground: &Ground<'_>) -> Result<(), Verdict>;

    /// A case for an admitted ground, from seeded values alone.
    fn generate(&self, ground: &Ground<'_>, values: &mut Values) -> Case;

    /// Judges a trace. Pure: the same trace gives the same judgement.
    fn check(&self, trace: &Trace, capability: &Capability) -> Judgement;

    /// True if nothing else may be in flight while the case runs, because it disturbs the whole target.
    fn runs_alone(&self, _case: &Case) -> bool {
        false
    }

    /// Cases at most, where each has a price of its own.
    fn cases_at_most(&self) -> u32 {
        u32::MAX
    }

    /// Level of one violation, where parts of a property rest on sentences of different strength.
    fn level_of(&self, _violation: &Violation) -> Level {
        self.spec().level
    }
}

/// All properties, alphabetical.
pub static PROPERTIES: &[&dyn Property] = &[
    &and_is_intersection::AndIsIntersection,
    &batch_entries_are_independent::BatchEntriesAreIndependent,
    &broken_bodies_are_no_server_error::BrokenBodiesAreNoServerError,
    &chain_is_two_steps::ChainIsTwoSteps,
    &compartment_is_inclusion::CompartmentIsInclusion,
    &concurrent_updates_are_kept::ConcurrentUpdatesAreKept,
    &conditional_create_by_matches::ConditionalCreateByMatches,
    &conditional_create_once::ConditionalCreateOnce,
    &conditional_delete_by_matches::ConditionalDeleteByMatches,
    &conditional_read_tells_change::ConditionalReadTellsChange,
    &conditional_update_by_matches::ConditionalUpdateByMatches,
    &conditional_update_once::ConditionalUpdateOnce,
    &conditions_hold_in_bundles::ConditionsHoldInBundles,
    &contained_kept::ContainedKept,
    &contest_leaves_updatable::ContestLeavesUpdatable,
    &count_zero_counts_only::CountZeroCountsOnly,
    &counts_agree::CountsAgree,
    &crash_keeps_acknowledged::CrashKeepsAcknowledged,
    &create_says_where::CreateSaysWhere,
    &criteria_in_any_order::CriteriaInAnyOrder,
    &crossing_transactions_end::CrossingTransactionsEnd,
    &cut_transaction_is_whole::CutTransactionIsWhole,
    &cut_write_is_before_or_after::CutWriteIsBeforeOrAfter,
    &date_bounds_cover::DateBoundsCover,
    &date_bounds_grow::DateBoundsGrow,
    &date_bounds_partition::DateBoundsPartition,
    &date_eq_and_ne::DateEqAndNe,
    &date_precision::DatePrecision,
    &date_prefixes_nest::DatePrefixesNest,
    &date_zone_shift::DateZoneShift,
    &decimal_text::DecimalText,
    &delete_and_update_agree::DeleteAndUpdateAgree,
    &delete_is_gone::DeleteIsGone,
    &delete_of_referenced_is_clean::DeleteOfReferencedIsClean,
    &delete_takes_one_away::DeleteTakesOneAway,
    &deleted_in_no_search::DeletedInNoSearch,
    &errors_have_outcomes::ErrorsHaveOutcomes,
    &errors_hide_the_inside::ErrorsHideTheInside,
    &extensions_in_order::ExtensionsInOrder,
    &form_keeps_content::FormKeepsContent,
    &guarded_updates_are_counted::GuardedUpdatesAreCounted,
    &has_is_reverse_chain::HasIsReverseChain,
    &history_across_delete::HistoryAcrossDelete,
    &history_at_once::HistoryAtOnce,
    &history_filters::HistoryFilters,
    &history_tells_of_delete::HistoryTellsOfDelete,
    &id_list_is_these::IdListIsThese,
    &identical_put_is_consistent::IdenticalPutIsConsistent,
    &include_is_superset::IncludeIsSuperset,
    &index_lag_is_measured::IndexLagIsMeasured,
    &interleaved_walks_are_whole::InterleavedWalksAreWhole,
    &json_escapes_kept::JsonEscapesKept,
    &key_order_ignored::KeyOrderIgnored,
    &large_value_kept::LargeValueKept,
    &last_updated_partition::LastUpdatedPartition,
    &life_follows_model::LifeFollowsModel,
    &long_list_kept::LongListKept,
    &mismatched_id_refused::MismatchedIdRefused,
    &missing_is_what_is_shown::MissingIsWhatIsShown,
    &missing_partition::MissingPartition,
    &narrative_kept::NarrativeKept,
    &nested_transaction_is_whole::NestedTransactionIsWhole,
    &no_read_is_torn::NoReadIsTorn,
    &not_is_complement::NotIsComplement,
    &nothing_leaks::NothingLeaks,
    &null_padding_kept::NullPaddingKept,
    &number_precision::NumberPrecision,
    &odd_headers_are_no_server_error::OddHeadersAreNoServerError,
    &odd_methods_change_nothing::OddMethodsChangeNothing,
    &odd_resources_are_no_server_error::OddResourcesAreNoServerError,
    &odd_searches_are_no_server_error::OddSearchesAreNoServerError,
    &odd_urls_are_no_server_error::OddUrlsAreNoServerError,
    &one_order_explains_all::OneOrderExplainsAll,
    &or_is_union::OrIsUnion,
    &overlapping_transaction_refused::OverlappingTransactionRefused,
    &own_write_is_read::OwnWriteIsRead,
    &page_links_agree::PageLinksAgree,
    &page_size_changes_nothing::PageSizeChangesNothing,
    &page_union_is_whole::PageUnionIsWhole,
    &pages_keep_what_stays::PagesKeepWhatStays,
    &patch_is_applied::PatchIsApplied,
    &pinned_id_keeps_predicate::PinnedIdKeepsPredicate,
    &pivot_is_found::PivotIsFound,
    &post_search_is_get_search::PostSearchIsGetSearch,
    &primitive_extension_kept::PrimitiveExtensionKept,
    &put_of_read_changes_nothing::PutOfReadChangesNothing,
    &quantity_bounds_partition::QuantityBoundsPartition,
    &quantity_unit_narrows::QuantityUnitNarrows,
    &reads_never_go_back::ReadsNeverGoBack,
    &reference_kept::ReferenceKept,
    &refused_transaction_leaves_nothing::RefusedTransactionLeavesNothing,
    &refused_write_leaves_nothing::RefusedWriteLeavesNothing,
    &repeated_delete_is_stable::RepeatedDeleteIsStable,
    &repeated_update_is_stable::RepeatedUpdateIsStable,
    &representation_is_read::RepresentationIsRead,
    &revinclude_is_reverse_search::RevincludeIsReverseSearch,
    &round_trip::RoundTrip,
    &same_fault_same_answer::SameFaultSameAnswer,
    &same_in_xml::SameInXml,
    &search_agrees_with_bodies::SearchAgreesWithBodies,
    &search_shows_what_existed::SearchShowsWhatExisted,
    &sessions_are_kept::SessionsAreKept,
    &shape_keeps_matches::ShapeKeepsMatches,
    &sort_is_permutation::SortIsPermutation,
    &spelling_is_irrelevant::SpellingIsIrrelevant,
    &stale_if_match_refused::StaleIfMatchRefused,
    &string_folds::StringFolds,
    &string_modifiers_nest::StringModifiersNest,
    &tampered_link_is_harmless::TamperedLinkIsHarmless,
    &time_text::TimeText,
    &token_system_narrows::TokenSystemNarrows,
    &total_leaves_out_includes::TotalLeavesOutIncludes,
    &transaction_is_applied::TransactionIsApplied,
    &transaction_is_seen_whole::TransactionIsSeenWhole,
    &transaction_links_are_resolved::TransactionLinksAreResolved,
    &transaction_order_is_immaterial::TransactionOrderIsImmaterial,
    &transactions_are_isolated::TransactionsAreIsolated,
    &type_history_contains::TypeHistoryContains,
    &types_are_apart::TypesAreApart,
    &unicode_kept::UnicodeKept,
    &unknown_parameter_changes_nothing::UnknownParameterChangesNothing,
    &unrelated_changes_nothing::UnrelatedChangesNothing,
    &update_as_create_once::UpdateAsCreateOnce,
    &update_creates_as_claimed::UpdateCreatesAsClaimed,
    &update_moves_membership::UpdateMovesMembership,
    &update_revives_deleted::UpdateRevivesDeleted,
    &value_not_and_missing::ValueNotAndMissing,
    &version_is_stable::VersionIsStable,
    &version_monotone::VersionMonotone,
    &vread_of_nothing::VreadOfNothing,
    &white_space_kept::WhiteSpaceKept,
];

/// A property by id.
pub fn find(id: &str) -> Option<&'static dyn Property> {
    PROPERTIES
        .iter()
        .copied()
        .find(|property| property.spec().id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_property_is_registered() {
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/src/property");
        let mut files: Vec<String> = std::fs::read_dir(here)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                let text = std::fs::read_to_string(path).unwrap_or_default();
                text.contains("\nimpl Property for ")
            })
            .map(|path| {
                path.file_stem()
                    .unwrap()
                    .to_string_lossy()
                    .replace('_', "-")
            })
            .map(|stem| format!("property/{stem}"))
            .collect();
        files.sort();
        let listed: Vec<&str> = PROPERTIES
            .iter()
            .map(|property| property.spec().id)
            .collect();
        assert_eq!(listed, files);
    }

    #[test]
    fn every_property_explains_itself() {
        for property in PROPERTIES {
            let spec = property.spec();
            assert!(
                spec.spec.starts_with("http://hl7.org/fhir/R4/"),
                "{}",
                spec.id
            );
            assert!(!spec.sentence.is_empty() && !spec.precondition.is_empty());
            assert!(!spec.guards.is_empty() && !spec.usual_causes.is_empty());
            assert!(find(spec.id).is_some());
        }
    }
}

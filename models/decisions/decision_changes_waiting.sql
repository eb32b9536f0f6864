-- Which changes of sets wait for a later run. Removals, where too many people would leave one at once: for its
-- approver. Additions by an identifier that is about to leave the same set, as when one of two changed or people
-- share a number: platforms take changes as jobs and work on them in any order, so the removal goes first, and alone.
with changes as (

    select
        change_id,
        campaign,
        destination,
        audience,
        operation,
        email,
        phone,
        external_id
    from {{ ref('decision_membership_changes') }}

),

removals as (

    select
        change_id,
        campaign,
        destination,
        audience
    from {{ ref('decision_removals') }}
    where may_be_held

),

guard_removals as (

    select
        campaign,
        destination,
        audience
    from {{ ref('guard_removals') }}
    where is_tripped

),

removals_held as (

    select removals.change_id
    from removals
    inner join guard_removals
        on
            removals.campaign = guard_removals.campaign
            and removals.destination = guard_removals.destination
            and removals.audience = guard_removals.audience

),

changes_keyed as (
    {%- for kind in ['email', 'phone', 'external_id'] %}
    {% if not loop.first %}
    union all
    {% endif %}
    select
        change_id,
        destination,
        audience,
        operation,
        '{{ kind }}' as kind,
        {{ kind }} as identifier
    from changes
    where {{ kind }} is not null
    {%- endfor %}

),

leaving as (

    select
        changes_keyed.destination,
        changes_keyed.audience,
        changes_keyed.kind,
        changes_keyed.identifier
    from changes_keyed
    left join removals_held
        on changes_keyed.change_id = removals_held.change_id
    where changes_keyed.operation = 'remove' and removals_held.change_id is null

),

additions_behind as (

    select distinct changes_keyed.change_id
    from changes_keyed
    inner join leaving
        on
            changes_keyed.destination = leaving.destination
            and changes_keyed.audience = leaving.audience
            and changes_keyed.kind = leaving.kind
            and changes_keyed.identifier = leaving.identifier
    where changes_keyed.operation = 'add'

)

select
    change_id,
    'approval' as waits_for
from removals_held

union all

select
    change_id,
    'removal' as waits_for
from additions_behind

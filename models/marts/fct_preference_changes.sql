-- The latest word of any profile counts for the customer; of several at one moment the first in alphabetical order.
with preferences as (

    select
        profile_id,
        preference,
        preference_value,
        changed_at
    from {{ ref('stg_crm__preferences') }}
    where changed_at <= {{ as_of() }}

),

profiles_mapped as (

    select
        profile_id,
        customer_id
    from {{ ref('int_profiles_mapped') }}

),

preferences_ranked as (

    select
        profiles_mapped.customer_id,
        preferences.preference,
        preferences.preference_value,
        preferences.changed_at,
        row_number() over (
            partition by profiles_mapped.customer_id, preferences.preference, preferences.changed_at
            order by preferences.preference_value asc nulls last
        ) as moment_rank
    from preferences
    inner join profiles_mapped
        on preferences.profile_id = profiles_mapped.profile_id

),

preferences_compared as (

    select
        customer_id,
        preference,
        preference_value,
        changed_at,
        lag(changed_at) over (
            partition by customer_id, preference
            order by changed_at asc nulls last
        ) as previous_changed_at,
        lag(preference_value) over (
            partition by customer_id, preference
            order by changed_at asc nulls last
        ) as previous_value
    from preferences_ranked
    where moment_rank = 1

),

changes as (

    select
        customer_id,
        preference,
        preference_value,
        changed_at as valid_from
    from preferences_compared
    where previous_changed_at is null or coalesce(previous_value, '') <> coalesce(preference_value, '')

),

changes_closed as (

    select
        *,
        lead(valid_from) over (
            partition by customer_id, preference
            order by valid_from asc nulls last
        ) as valid_to
    from changes

)

select
    customer_id,
    preference,
    preference_value,
    valid_to is null as is_current,
    valid_from,
    valid_to
from changes_closed

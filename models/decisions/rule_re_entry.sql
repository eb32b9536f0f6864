-- Rule 5. Fails where the same campaign had this customer before: in this very slot and step, ever (`never`),
-- or within `re_entry_after_days`. Re-entry is asked where a person enters: later steps of a sequence only ask that
-- the step itself was not taken. Sets have no history of contacts: they converge.
with candidates as (

    select
        candidate_id,
        campaign,
        slot,
        customer_id,
        re_entry,
        step,
        re_entry_after_days
    from {{ ref('decision_candidates') }}

),

contacts as (

    select
        campaign,
        customer_id,
        slot,
        step,
        contacted_at
    from {{ ref('fct_contacts') }}

),

contacts_matched as (

    select
        candidates.candidate_id,
        max(case
            when contacts.slot = candidates.slot and contacts.step = candidates.step then 1 else 0
        end) as is_same_slot,
        max(case when candidates.re_entry = 'never' and candidates.step = 1 then 1 else 0 end) as is_never_again,
        max(case
            when
                candidates.re_entry = 'after_days'
                and candidates.step = 1
                and {{ days_between('contacts.contacted_at', as_of()) }} < candidates.re_entry_after_days
                then 1
            else 0
        end) as is_too_soon
    from candidates
    inner join contacts
        on
            candidates.campaign = contacts.campaign
            and candidates.customer_id = contacts.customer_id
    group by candidates.candidate_id

)

select
    candidate_id,
    case
        when is_same_slot = 1 then 'already_in_slot'
        when is_never_again = 1 then 're_entry_never'
        else 're_entry_too_soon'
    end as reason
from contacts_matched
where is_same_slot = 1 or is_never_again = 1 or is_too_soon = 1

{#- The rest of the contract of every campaign, in its order: what it says of a person, then its policy. `per_person`
    names columns of the policy that differ from person to person, and so come from `candidates`. -#}
{%- macro campaign_columns(per_person=[]) -%}
candidates.qualified_by,
    candidates.variant,
    candidates.offer,
    candidates.fields,
    candidates.exclusion_reasons,
    {%- for column in [
        'channel', 'destination', 'audience_name', 'purpose', 'cap_class', 'on_cap', 'template', 're_entry',
        'quiet_hours_class', 'step', 're_entry_after_days', 'approval_above', 'max_people', 'holdout_share',
        'max_drop_share', 'max_growth_share', 'excludes_recent_purchasers', 'scheduled_at', 'expires_at',
    ] %}
    {{ 'candidates' if column in per_person else 'policy' }}.{{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
